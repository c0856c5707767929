"""``treadle skew``: the same rows as training and as serving saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from treadle.cli._data_argument import DATA, Data, reading_option
from treadle.cli._number import Number
from treadle.cli._output import emit_json, json_option
from treadle.cli._table import print_table

if TYPE_CHECKING:
    from treadle.validation import SkewReport


@click.command(name="skew")
@click.argument("training", type=DATA)
@click.argument("serving", type=DATA)
@click.option("--on", multiple=True, required=True, help="A column that names a row; may be given again.")
@click.option("--feature", "features", multiple=True, help="A column to compare; by default all that both sides have.")
@click.option("--relative", type=Number(min=0), default=1e-6, show_default=True, help="Forgiven difference.")
@click.option("--absolute", type=Number(min=0), default=0.0, help="Forgiven difference, in units.")
@click.option("--digits", type=int, help="Round numbers to so many decimals first.")
@click.option("--max-share", type=Number(0, 1), default=0.0, show_default=True, help="Rows that may differ.")
@reading_option
@json_option
def command(
    training: Data,
    serving: Data,
    on: tuple[str, ...],
    features: tuple[str, ...],
    relative: float,
    absolute: float,
    digits: int | None,
    max_share: float,
    *,
    options: dict[str, Any],
    as_json: bool,
) -> int:
    """Join the rows of TRAINING and SERVING by id and compare their values, feature by feature.

    Exit code 1 if more than --max-share of the rows differ in a feature, or no row of one is in the other.
    """
    from treadle.ingest import scan
    from treadle.validation import feature_skew

    report = feature_skew(
        scan(training, options=options).table(),
        scan(serving, options=options).table(),
        on=on,
        features=features or None,
        relative=relative,
        absolute=absolute,
        digits=digits,
    )
    if as_json:
        emit_json(report.to_json())
    else:
        _show(report)
    skewed = any(skew.share is None or skew.share > max_share for skew in report.features.values())
    return 1 if skewed or not report.joined.matched else 0


def _show(report: SkewReport) -> None:
    rows = []
    for name, skew in report.features.items():
        share = "-" if skew.share is None else f"{100 * skew.share:.4g} %"
        largest = "" if skew.largest is None else f"{skew.largest:.4g}"
        pairs = ", ".join(f"{one!r} -> {two!r} ({count:,})" for one, two, count in skew.confusion[:2])
        counts = [f"{count:,}" for count in (skew.differs, skew.training_only, skew.serving_only)]
        rows.append([name, share, *counts, largest, skew.note or pairs])
    headings = ("feature", "not the same", "differ", "only training", "only serving", "largest", "most often")
    print_table(headings, rows, left=(0, 6))
    joined = report.joined
    click.echo(
        f"{joined.matched:,} rows compared; ids only in training {joined.training_only:,}, only in serving "
        f"{joined.serving_only:,}; rows without an id {joined.without_id:,}, with a repeated one {joined.repeated:,}."
    )
