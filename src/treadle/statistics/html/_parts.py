"""Below the columns: slices, weighted statistics, and what columns have to do with each other."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from treadle.statistics.html._charts import label

if TYPE_CHECKING:
    from treadle.statistics._profile import Profile
    from treadle.statistics._relations import Relations
    from treadle.statistics._slices import Slices
    from treadle.statistics._weighted import WeightedStatistics

_MOST_COLUMNS = 8
_MOST_SLICES = 200
_MOST_NUMERIC = 30


def parts(profile: Profile) -> str:
    """A section for each part that the profile has."""
    found = ""
    if profile.slices is not None:
        found += _section("Slices", _slices(profile, profile.slices))
    if profile.weighted is not None:
        found += _section(f"Weighted by {profile.weighted.weight}", _weighted(profile, profile.weighted))
    if profile.relations is not None:
        relations = profile.relations
        by = f", by {relations.weight}" if relations.weight else ""
        if relations.label is not None:
            found += _section(f"What tells {relations.label}{by}", _associations(relations))
        if len(relations.numeric) > 1:
            found += _section(f"Correlation{by}", _correlations(relations))
    return found


def _section(title: str, table: str) -> str:
    return f'<section class="part"><h2>{escape(title)}</h2><div class="wide">{table}</div></section>'


def _table(headings: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _slices(profile: Profile, slices: Slices) -> str:
    features = profile.statistics.features
    numeric = [name for name, feature in features.items() if feature.type in ("int", "float")][:_MOST_COLUMNS]
    rows = []
    for name, part in list(slices.parts.items())[:_MOST_SLICES]:
        cells = [f"<th>{escape(name)}</th>", f"<td>{part.num_rows:,}</td>"]
        cells.append(f"<td>{part.num_rows / max(profile.statistics.num_rows, 1):.2%}</td>")
        cells += [_cell(part.features[column].mean if column in part.features else None) for column in numeric]
        rows.append(cells)
    left_out = len(slices.parts) - len(rows)
    more = f"<p>and {left_out:,} more slices</p>" if left_out else ""
    return _table(["slice", "rows", "share", *(f"mean of {column}" for column in numeric)], rows) + more


def _weighted(profile: Profile, weighted: WeightedStatistics) -> str:
    rows = []
    for name, feature in weighted.paths.items():
        plain = profile.statistics.paths.get(name)
        cells = [f"<th>{escape(name)}</th>", _cell(feature.count), _cell(feature.missing)]
        for field in ("mean", "std_dev"):
            cells += [_cell(getattr(feature, field)), _cell(getattr(plain, field, None))]
        cells.append(_cell(feature.median))
        rows.append(cells)
    headings = ["column", "weight", "missing", "mean", "without weights", "std dev", "without weights", "median"]
    return _table(headings, rows)


def _associations(relations: Relations) -> str:
    found = relations.associations()
    most = max((each.bits for each in found.values()), default=0.0) or 1.0
    rows = []
    for name, each in found.items():
        bar = f'<td class="bar-cell"><i class="side0" style="width:{max(each.adjusted, 0) / most:.1%}"></i></td>'
        cells = [f"<th>{escape(name)}</th>", _cell(each.adjusted), _cell(each.bits), bar]
        rows.append(cells)
    return _table(["column", "bits, adjusted", "bits", ""], rows)


def _correlations(relations: Relations) -> str:
    names = relations.numeric[:_MOST_NUMERIC]
    rows = []
    for name in names:
        cells = [f"<th>{escape(name)}</th>"]
        for other in names:
            found = relations.correlation(name, other)
            if found is None:
                cells.append('<td class="none">-</td>')
                continue
            side = "side0" if found >= 0 else "side1"
            cells.append(f'<td class="heat {side}" style="--part:{abs(found):.2f}">{found:.2f}</td>')
        rows.append(cells)
    left_out = len(relations.numeric) - len(names)
    return _table(["", *names], rows) + (f"<p>and {left_out:,} more columns</p>" if left_out else "")


def _cell(value: object) -> str:
    return '<td class="none">-</td>' if value is None else f"<td>{escape(label(value))}</td>"
