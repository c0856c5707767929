"""``treadle graph project``: rows of features or embeddings as points, on a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from treadle.cli._output import emit_json, json_option, note
from treadle.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa


@click.command(name="project")
@click.argument("data", metavar="DATA")
@click.option("--html", "page", type=click.Path(path_type=Path), required=True, help="The page to write.")
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Project this column; by default all numbers.")
@click.option("--color", metavar="NAME", help="The column that colours the points at first.")
@click.option(
    "--method", "methods", multiple=True, type=click.Choice(["pca", "tsne", "umap"]), help="By default all installed."
)
@click.option("--split", default="train", show_default=True, help="Of transformed examples.")
@click.option("--sample", default=2000, show_default=True, type=click.IntRange(3), help="At most so many rows.")
@click.option("--seed", default=0, show_default=True)
@json_option
def project_command(
    data: str,
    page: Path,
    columns: tuple[str, ...],
    color: str | None,
    methods: tuple[str, ...],
    split: str,
    sample: int,
    seed: int,
    *,
    as_json: bool,
) -> int:
    """Project features or embeddings to a plane: PCA, t-SNE, UMAP, in one HTML file that needs nothing else.

    DATA is a data file, or a directory of transformed examples; columns of lists are embeddings.
    """
    from treadle.files import write_text
    from treadle.transform.projection import project

    table = _table(data, split)
    found = project(table, columns=columns or None, color=color, methods=methods or None, sample=sample, seed=seed)
    write_text(page, found.page(Path(data).name or data))
    note(f"Drawn: {page}")
    if as_json:
        emit_json(
            {
                "page": str(page),
                "methods": list(found.points),
                "rows": found.rows.num_rows,
                "total": found.total,
                "columns": list(found.used),
            }
        )
    return 0


def _table(data: str, split: str) -> pa.Table:
    from treadle.ingest import read_table

    folder = Path(data)
    manifest = folder / "transformed.json"
    if not manifest.is_file():
        return read_table(data)
    splits = json.loads(manifest.read_bytes())["splits"]
    if split not in splits:
        raise UsageError(f"There is no split {split!r}.", hint=f"There are: {', '.join(splits)}.")
    return read_table([str(file) for file in sorted((folder / split).glob("part-*.parquet"))])
