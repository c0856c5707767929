"""``treadle init``: a project from the user's own data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from treadle.cli._data_argument import DATA, Data, reading_option
from treadle.cli._output import emit_json, json_option


@click.command(name="init")
@click.argument("name", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, type=DATA, metavar="")
@click.option(
    "--data",
    "files",
    multiple=True,
    required=True,
    type=DATA,
    metavar="FILE...",
    help="Your data: files, or the URL of a file or table.",
)
@click.option("--label", required=True, help="The column to predict.")
@click.option(
    "--positive",
    help="What counts as yes: a value of the label, or for numbers '>100'; otherwise numbers are predicted as such.",
)
@click.option("--event-time", help="The column that says when a row happened; found if there is only one.")
@click.option("--key", help="The column that names a row.")
@click.option("--leave-out", multiple=True, metavar="COLUMN", help="A column that is no feature.")
@reading_option
@json_option
def command(
    name: Path,
    more: tuple[Data, ...],
    files: tuple[Data, ...],
    label: str,
    positive: str | None,
    event_time: str | None,
    key: str | None,
    leave_out: tuple[str, ...],
    *,
    options: dict[str, Any],
    as_json: bool,
) -> int:
    """Write the folder NAME with a schema and a pipeline that runs on the data as it is.

    A label of two values is learned as yes or no, a number as a number; of several classes say with --positive which
    counts as yes.

    Columns that look like identifiers, that never change, or that tell the label almost alone are left out of the
    features, and named with the reason.
    """
    from treadle.cli._init_data import draft
    from treadle.cli._init_place import place_of
    from treadle.cli._init_project import write_project

    files += more  # --data A B C
    place = place_of(files)
    drafted = draft(
        files,
        label=label,
        positive=positive,
        event_time=event_time,
        key=key,
        left_out=leave_out,
        options=options,
    )
    written = write_project(name, drafted, place, options)
    if as_json:
        emit_json(
            {
                "folder": str(name),
                "files": [path.name for path in written],
                "label": str(drafted.label),
                "task": drafted.label.task,
                "event_time": drafted.schema.event_time,
                "features": list(drafted.features),
                "left_out": dict(drafted.advice),
            }
        )
        return 0
    click.echo(f"{name}: predicts {drafted.label} from {drafted.rows:,} rows")
    if drafted.label.note:
        click.echo(f"  note: {drafted.label.note}")
    click.echo(f"  features: {', '.join(drafted.features)}")
    if drafted.schema.event_time:
        click.echo(f"  event time: {drafted.schema.event_time}; the newest rows are held out")
    elif drafted.times:
        click.echo(f"  event time: none; if {' or '.join(drafted.times)} is when a row happened, say --event-time")
    if place.first:
        click.echo(f"  data: {place.first} to {place.last}; --set last=... reads more of {place.pattern}")
    for column, problem in drafted.advice:
        click.echo(f"  left out: {column} {problem}")
    click.echo(f"Next: cd {name} && treadle run pipeline.py")
    return 0
