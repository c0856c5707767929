"""``treadle schema``: make, compare, widen and translate schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._data_argument import DATA, Data, is_saved, reading_option
from treadle.cli._environment import say_if_unknown
from treadle.cli._output import emit_json, json_option, note
from treadle.cli._table import print_table

if TYPE_CHECKING:
    from treadle.ingest import PathLike
    from treadle.schema import Change, Schema
    from treadle.statistics import Statistics

_path = click.Path(path_type=Path)
_out = click.option("--out", type=_path, help="Write here instead of to standard output.")


@click.group(name="schema")
def command() -> None:
    """Make, compare, widen and translate schemas."""


@command.command()
@click.argument("files", nargs=-1, required=True, type=DATA, metavar="FILE...")
@click.option("--event-time", help="The timestamp column that says when a row happened.")
@click.option("--max-domain", type=click.IntRange(min=0), default=100, show_default=True)
@reading_option
@_out
def infer(
    files: tuple[Data, ...], event_time: str | None, max_domain: int, out: Path | None, *, options: dict[str, Any]
) -> int:
    """A first schema from data files: a draft to curate, which accepts the data it comes from.

    Strings of at most --max-domain distinct values get them as their domain.
    """
    from treadle.validation import infer_schema

    schema = infer_schema(_measure(files, None, options)[0], max_domain=max_domain, event_time=event_time)
    _write(schema.dumps(), out)
    return 0


@command.command()
@click.argument("schema_file", type=_path, metavar="SCHEMA")
@json_option
def show(schema_file: Path, *, as_json: bool) -> int:
    """A schema as a table."""
    from treadle.schema import Schema, to_json_schema

    schema = Schema.load(schema_file)
    if as_json:
        emit_json(to_json_schema(schema))
        return 0
    rows = []
    for path, feature in schema.paths.items():
        domain = ""
        if feature.values is not None:
            domain = ", ".join(map(str, feature.values[:6])) + (" …" if len(feature.values) > 6 else "")
        elif feature.min is not None or feature.max is not None:
            domain = f"{'' if feature.min is None else feature.min}..{'' if feature.max is None else feature.max}"
        kind = f"list of {feature.type}" if feature.list else feature.type
        present = "required" if feature.required else feature.lifecycle if not feature.stops else "optional"
        least = f"{feature.min_fraction:.4g}" if feature.min_fraction else ""
        rows.append([path, kind, feature.unit, present, least, domain, ", ".join(feature.not_in)])
    print_table(("feature", "type", "unit", "column", "present", "domain", "not in"), rows, left=(0, 1, 2, 3, 5, 6))
    for name, rule in schema.rules.items():
        click.echo(f"rule {name}: {rule.rows or rule.statistics or rule.check}")
    return 0


@command.command()
@click.argument("before", type=_path)
@click.argument("after", type=_path)
@json_option
def diff(before: Path, after: Path, *, as_json: bool) -> int:
    """What changed from BEFORE to AFTER, and whether more data pass. Exit code 1 if anything did."""
    from treadle.schema import Schema
    from treadle.schema import diff as compare

    changes = compare(Schema.load(before), Schema.load(after))
    if as_json:
        emit_json({"changes": [change.to_json() for change in changes]})
    else:
        _show(changes)
    return 1 if changes else 0


@command.command()
@click.argument("files", nargs=-1, required=True, type=_path, metavar="SCHEMA...")
@_out
def merge(files: tuple[Path, ...], out: Path | None) -> int:
    """One schema that lets through what any of several lets through."""
    from treadle.schema import Schema
    from treadle.schema import merge as join

    _write(join(*(Schema.load(file) for file in files)).dumps(), out)
    return 0


@command.command()
@click.argument("schema_file", type=_path, metavar="SCHEMA")
@click.argument("files", nargs=-1, required=True, type=DATA, metavar="FILE...")
@click.option("--baseline", type=DATA, help="Data, or saved statistics (.json), to measure drift from.")
@click.option("--environment", help="Where the data comes from.")
@click.option("--warnings", is_flag=True, help="Relax what only warns, too: new columns, for one.")
@click.option("--accept", is_flag=True, help="Change the schema itself. You have read the differences.")
@click.option("--out", type=_path, help="Where the proposal goes; by default SCHEMA with .proposal.toml.")
@reading_option
@json_option
def propose(
    schema_file: Path,
    files: tuple[Data, ...],
    baseline: Data | None,
    environment: str | None,
    out: Path | None,
    *,
    options: dict[str, Any],
    warnings: bool,
    accept: bool,
    as_json: bool,
) -> int:
    """The least change of SCHEMA under which the data pass, as a file to review.

    Comments, order and layout stay. SCHEMA itself is not changed unless --accept says so. Exit code 0 if the data pass
    as it is, 1 if there is a proposal or something that no proposal takes away.
    """
    from treadle.errors import UsageError
    from treadle.schema import Schema, edit
    from treadle.schema import diff as compare
    from treadle.validation import relax

    if accept and out is not None:
        raise UsageError("--accept changes the schema itself; --out writes elsewhere.", hint="Give one of them.")
    schema = Schema.load(schema_file)
    say_if_unknown(schema, environment)
    statistics, absent = _measure(files, schema, options)
    before = None if baseline is None else _baseline(baseline, schema, options)
    relaxed = relax(schema, statistics, baseline=before, environment=environment, absent=absent, warnings=warnings)
    changes = compare(schema, relaxed.schema)
    target = schema_file if accept else out or schema_file.with_suffix(".proposal.toml")
    if changes:
        with schema_file.open(encoding="utf-8", newline="") as stream:
            text = stream.read()
        _write(edit(text, relaxed.schema), target)
    if as_json:
        written = str(target) if changes else None
        fields = {"changes": [change.to_json() for change in changes], "written": written, "accepted": accept}
        emit_json({**fields, "left": [anomaly.to_json() for anomaly in relaxed.left]})
    else:
        _show(changes)
        for anomaly in relaxed.left:
            click.echo(f"left: {anomaly.feature or '(all)'}: {anomaly.message} [{anomaly.reason}]")
        if changes:
            note(f"Changed {target}." if accept else f"The proposal is in {target}; {schema_file} is as it was.")
        elif not relaxed.left:
            note("The data pass as the schema is.")
    return 1 if relaxed.left or (changes and not accept) else 0


@command.command(name="import")
@click.argument("file", type=_path)
@_out
def import_(file: Path, out: Path | None) -> int:
    """Read a schema of TensorFlow Metadata (.pbtxt) or a JSON Schema (.json).

    What has no counterpart is said on standard error, a line each.
    """
    from treadle.errors import SchemaError
    from treadle.schema import from_json_schema, from_tfx

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SchemaError(f"The schema cannot be read: {error.strerror}.", where={"file": file}) from error
    except UnicodeDecodeError as error:
        raise SchemaError("The schema is not UTF-8 text.", where={"file": file}) from error
    if file.suffix == ".json":
        try:
            document = json.loads(text)
        except ValueError as error:
            raise SchemaError(f"This is not JSON: {error}.", where={"file": file}) from error
        if not isinstance(document, dict):
            raise SchemaError("A JSON Schema is an object.", where={"file": file})
        found = from_json_schema(document)
    else:
        found = from_tfx(text)
    for sentence in found.notes:
        note(sentence)
    _write(found.schema.dumps(), out)
    return 0


@command.command()
@click.argument("schema_file", type=_path, metavar="SCHEMA")
@_out
def export(schema_file: Path, out: Path | None) -> int:
    """Write a schema as JSON Schema (draft 2020-12) of one row."""
    from treadle.schema import Schema, to_json_schema

    _write(json.dumps(to_json_schema(Schema.load(schema_file)), indent=2, ensure_ascii=False) + "\n", out)
    return 0


def _measure(
    files: tuple[Data, ...], schema: Schema | None, options: dict[str, Any]
) -> tuple[Statistics, dict[str, tuple[PathLike, ...]]]:
    from treadle.ingest import scan
    from treadle.statistics import generate

    source = scan(files, schema, options=options)
    return generate(source, schema), source.absent


def _baseline(data: Data, schema: Schema, options: dict[str, Any]) -> Statistics:
    from treadle.statistics import Statistics

    if is_saved(data):
        return Statistics.load(data)
    return _measure((data,), schema, options)[0]


def _show(changes: list[Change]) -> None:
    colors = {"wider": "yellow", "narrower": "green", "other": None}
    for change in changes:
        click.echo(f"{click.style(f'{change.effect:<8}', fg=colors[change.effect])}  {change}")


def _write(text: str, out: Path | None) -> None:
    from treadle.files import write_text

    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
