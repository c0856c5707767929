"""check_leakage: Examples -> what stands on both sides of their splits; may stop the run."""

from __future__ import annotations

from treadle.artifact import Artifact, Examples, Output, canonical_json
from treadle.errors import DataRefusedError, UsageError
from treadle.pipeline import component


class LeakageReport(Artifact):
    """Which rows of a split stand in an earlier one, as copies or by their key.

    Files: ``leakage.json``, format ``treadle.leakage/1``. Made by check_leakage.
    """


@component
def check_leakage(
    examples: Examples,
    *,
    key: list[str] | None = None,
    ignore: list[str] | None = None,
    max_duplicates: float | None = None,
    max_same_key: float | None = None,
    leakage: Output[LeakageReport],
) -> None:
    """Compare each two splits: a model that has seen the answers looks better than it is.

    Args:
        examples: The rows.
        key: Columns that together name an entity: near duplicates are rows of one entity on both sides.
        ignore: Columns that differ in copies of one row, as the time of an export.
        max_duplicates: The largest share of a split's rows that may stand in an earlier split with the same values;
            more fails the node. ``None`` only reports, 0 allows none.
        max_same_key: The same for rows whose key stands there, whatever else they hold.
        leakage: What was found, with some row ids.

    Raises:
        DataRefusedError: There is more than is allowed.
        UsageError: A limit is no share, or one on keys is given without a key.
    """
    from treadle.ingest import find_leakage

    for limit in (max_duplicates, max_same_key):
        if limit is not None and not 0 <= limit <= 1:
            raise UsageError(f"The share of rows on both sides is {limit!r}, not a number from 0 to 1.")
    if max_same_key is not None and not key:
        raise UsageError("A limit on rows of one key needs the key.", hint='key=["customer"]')
    found = find_leakage(examples.path, key=key or (), ignore=ignore or ())
    (leakage.path / "leakage.json").write_bytes(canonical_json(found.to_json()))
    leakage.properties.update(
        found=found.found,
        duplicates=sum(pair.duplicates for pair in found.pairs),
        same_key=sum(pair.same_key or 0 for pair in found.pairs) if key else None,
    )
    problems = []
    for pair in found.pairs:
        first, second = pair.splits
        where = f"in {second!r} that are also in {first!r}, as {', '.join(pair.row_ids[:3])}"
        if max_duplicates is not None and (pair.duplicate_share or 0) > max_duplicates:
            problems.append(f"{pair.duplicates:,} rows ({pair.duplicate_share:.2%}) {where}")
        if max_same_key is not None and (pair.same_key_share or 0) > max_same_key:
            problems.append(f"{pair.same_key:,} rows ({pair.same_key_share:.2%}) of one {'+'.join(found.key)} {where}")
    if problems:
        raise DataRefusedError(
            "Splits share rows:" + "".join(f"\n  {problem}" for problem in problems),
            hint="Split by the column that names the entity (split_by), or remove the copies.",
        )
