"""One column on the page: its name, its numbers for each data set, its charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from treadle.statistics._feature import FeatureStatistics
from treadle.statistics._measures import Measure
from treadle.statistics.html._charts import decile_bars, frequent, histogram, label
from treadle.statistics.measures import in_words

_SHOWN = 10
_NUMBERS = (
    ("values", "count"),
    ("missing", "missing"),
    ("zeros", "zeros"),
    ("empty", "empty"),
    ("NaN", "nan"),
    ("infinite", "infinite"),
    ("mean", "mean"),
    ("std dev", "std_dev"),
    ("min", "min"),
    ("median", "median"),
    ("max", "max"),
    ("distinct", "unique"),
    ("mean length", "avg_length"),
    ("shortest", "min_length"),
    ("longest", "max_length"),
)
_SHARES = ("missing", "zeros", "empty", "nan", "infinite")
_IF_ANY = ("empty", "nan", "infinite")


def card(
    path: str,
    sides: Sequence[FeatureStatistics | None],
    names: Sequence[str],
    distance: float | None,
    measures: Sequence[Mapping[str, Measure]],
) -> str:
    """The card of a column.

    Args:
        path: Its name.
        sides: Its statistics in each data set; ``None`` where it is not there.
        names: What the data sets are called.
        distance: How far the two are apart, for sorting; ``None`` if nobody measured it.
        measures: What else was measured of it in each data set, by name.
    """
    kinds = list(dict.fromkeys(side.type for side in sides if side))
    missing = max((side.missing_share or 0.0 for side in sides if side), default=0.0)
    far = f'<span class="chip far">distance {distance:.4f}</span>' if distance is not None else ""
    alone = "".join(
        f'<span class="chip warn">not in {escape(name)}</span>'
        for name, side in zip(names, sides, strict=True)
        if not side
    )
    return (
        f'<article class="card" data-name="{escape(path.lower())}" data-type="{escape(" ".join(kinds))}" '
        f'data-missing="{missing:.6f}" data-distance="{-1.0 if distance is None else distance:.9f}">'
        f"<header><h2>{escape(path)}</h2>"
        + "".join(f'<span class="chip">{escape(kind)}</span>' for kind in kinds)
        + far
        + alone
        + f"</header>{table(sides, names)}{measured(measures)}{charts(sides)}</article>"
    )


def table(sides: Sequence[FeatureStatistics | None], names: Sequence[str]) -> str:
    """What applies, a row a statistic, a column a data set."""
    head = ""
    if len(names) > 1:
        cells = "".join(f'<th><i class="key side{n}"></i>{escape(name)}</th>' for n, name in enumerate(names))
        head = f"<thead><tr><th></th>{cells}</tr></thead>"
    rows = []
    for title, field in _NUMBERS:
        values = [getattr(side, field) if side else None for side in sides]
        if all(value is None for value in values) or (field in _IF_ANY and not any(values)):
            continue
        cells = "".join(_cell(field, value, side) for value, side in zip(values, sides, strict=True))
        rows.append(f"<tr><th>{title}</th>{cells}</tr>")
    return f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"


def measured(sides: Sequence[Mapping[str, Measure]]) -> str:
    """A table for each measure, a column a data set."""
    tables = ""
    for name in dict.fromkeys(name for side in sides for name in side):
        texts = [in_words(side[name].to_json()) if name in side else {} for side in sides]
        rows = ""
        for field in dict.fromkeys(field for side in texts for field in side):
            cells = "".join(f"<td>{escape(side.get(field, '-'))}</td>" for side in texts)
            rows += f"<tr><th>{escape(field)}</th>{cells}</tr>"
        tables += f'<table class="measured"><caption>{escape(name)}</caption><tbody>{rows}</tbody></table>'
    return tables


def charts(sides: Sequence[FeatureStatistics | None]) -> str:
    """A histogram and deciles of numbers; the frequent values of everything else that has some."""
    known = [side for side in sides if side]
    if any(side.type in ("int", "float", "timestamp") for side in known):
        moments = any(side.type == "timestamp" for side in known)
        found = [side.numbers.distribution if side and side.numbers else None for side in sides]
        parts = [histogram(found, moments=moments), decile_bars(found, moments=moments)]
    elif any(side.lengths for side in known):
        lengths = [side.lengths if side else None for side in sides]
        parts = [histogram(lengths), decile_bars(lengths)]
    else:
        parts = [_frequent(sides), ""]
    return f'<div class="chart plain">{parts[0]}</div><div class="chart deciles">{parts[1] or parts[0]}</div>'


def _frequent(sides: Sequence[FeatureStatistics | None]) -> str:
    shares: list[dict[str, float]] = []
    for side in sides:
        top = (side.top_values or []) if side else []
        shares.append({str(value): count / side.count for value, count in top if side and side.count})
    values = {name for side in shares for name in side}
    order = sorted(values, key=lambda name: (-max(side.get(name, 0.0) for side in shares), name))
    for side, found in zip(sides, shares, strict=True):
        counts = side.value_counts() if side and side.count else None
        for value in order[:_SHOWN]:
            if counts and side and value not in found:  # frequent on the other side only
                found[value] = counts.get(value, 0) / side.count
    return frequent(shares, order[:_SHOWN])


def _cell(field: str, value: object, side: FeatureStatistics | None) -> str:
    if value is None or side is None:
        return '<td class="none">-</td>'
    text = escape(label(value))
    if field == "unique" and not side.exact:
        text = "≈ " + text
    if field in _SHARES and isinstance(value, int):
        whole = side.count + side.missing if field == "missing" else side.count
        share = value / whole if whole else 0.0
        shade = ' class="bad"' if share >= 0.5 else ' class="some"' if share >= 0.05 and field != "zeros" else ""
        small = f" <small>{_percent(share)}</small>" if value else ""
        return f"<td{shade}>{text}{small}</td>"
    return f"<td>{text}</td>"


def _percent(share: float) -> str:
    return "<0.01 %" if 0 < share < 1e-4 else f"{share * 100:.3g} %"
