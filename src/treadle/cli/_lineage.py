"""``treadle lineage``: where an artifact came from and where it went."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from treadle.cli._output import emit_json, json_option, note
from treadle.errors import UsageError

if TYPE_CHECKING:
    from treadle.metadata import Making, MetadataStore, Related

_TAKES = {
    "the rows of an artifact": {"--run", "--span"},
    "the code of an artifact": {"--run"},
    "an artifact": {"--up", "--down", "--run", "--type", "--depth"},
    "a span": {"--down", "--type"},
    "a list of artifacts": {"--run", "--type", "--pipeline", "--node"},
}
"""What can be asked for, and the options that it knows."""


@click.command("lineage")
@click.argument("digest", required=False)
@click.option("--span", help="Instead of a DIGEST: every artifact that rows of this data span reached.")
@click.option("--up", "direction", flag_value="up", help="What it was made from: spans, rows, graphs, models.")
@click.option("--down", "direction", flag_value="down", help="What was made from it.")
@click.option("--code", is_flag=True, help="The code and packages that made it.")
@click.option("--rows", is_flag=True, help="The rows of examples that it was made from; with --span only of that span.")
@click.option("--run", help="As it was made in this run: an id, or last.")
@click.option("--type", "type_name", help="Only artifacts of this type: Model, Examples, Servable, ...")
@click.option("--pipeline", help="Without a DIGEST: only artifacts made in runs of this pipeline.")
@click.option("--node", help="Without a DIGEST: only artifacts made by this node.")
@click.option("--depth", type=click.IntRange(min=1), help="No further than this many executions.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Artifacts on a page.")
@click.option("--after", default=0, type=click.IntRange(min=0), help="The number that the page before ended with.")
@json_option
def command(
    digest: str | None,
    span: str | None,
    direction: str | None,
    run: str | None,
    type_name: str | None,
    pipeline: str | None,
    node: str | None,
    depth: int | None,
    limit: int,
    after: int,
    *,
    code: bool,
    rows: bool,
    as_json: bool,
) -> int:
    """Say where the artifact DIGEST came from and where it went, or list artifacts.

    DIGEST may be shortened to what is still one artifact. With neither --up nor --down, both ways are shown. The
    models that a month of data reached: --span 2018-03 --type Model.
    """
    from treadle.runner import find_run, history

    for option, is_asked in (("--rows", rows), ("--code", code)):
        if is_asked and digest is None:
            raise UsageError(f"{option} of which artifact?", hint=f"treadle lineage DIGEST {option}")
    if rows and code:
        raise UsageError("Ask for --rows or for --code")
    if digest is not None and span is not None and not rows:
        raise UsageError("Give a digest or a span", hint="treadle lineage DIGEST, or treadle lineage --span 2018-03")
    options = {
        "--span": span,
        "--run": run,
        "--type": type_name,
        "--pipeline": pipeline,
        "--node": node,
        "--depth": depth,
    }
    given = {option for option, value in options.items() if value is not None}
    given |= set() if direction is None else {f"--{direction}"}
    if rows or code:
        _check(given, "the rows of an artifact" if rows else "the code of an artifact")
    elif digest is not None:
        _check(given, "an artifact")
    else:
        _check(given - {"--span"}, "a list of artifacts" if span is None else "a span")
    with history() as metadata:
        run = None if run is None else find_run(metadata, run).id
        if span is not None and not rows:
            found = metadata.lineage.reached_by_span(span, type_name=type_name, after=after, limit=limit + 1)
            return _page({"span": span}, {"down": found}, limit, after, as_json=as_json)
        if digest is None:
            return _list(metadata, type_name, pipeline, run, node, limit, after, as_json=as_json)
        artifact = metadata.lineage.find(digest)
        if rows:
            from treadle.cli._lineage_rows import tell_rows
            from treadle.config import home
            from treadle.storage import open_artifacts

            store = open_artifacts(home())
            return tell_rows(metadata, store, artifact, run=run, span=span, limit=limit, after=after, as_json=as_json)
        head: dict[str, Any] = {
            "digest": artifact.digest,
            "type": artifact.type_name,
            "properties": dict(artifact.properties),
        }
        makings = metadata.lineage.makings(artifact.digest)
        if code:
            return _tell_code(head, [made for made in makings if run in (None, made.run)], as_json=as_json)
        ways: dict[str, list[Related]] = {}
        asked: Any = {"run": run, "type_name": type_name, "after": after, "limit": limit + 1}
        if direction in (None, "up"):
            ways["up"] = metadata.lineage.ancestors(artifact.digest, max_depth=depth, **asked)
        if direction in (None, "down"):
            ways["down"] = metadata.lineage.descendants(artifact.digest, max_depth=depth, **asked)
    head["made_by"] = [{"run": made.run, "node": made.node, "state": made.state} for made in makings]
    return _page(head, ways, limit, after, as_json=as_json)


def _check(given: set[str], asked: str) -> None:
    """Refuse options that would change nothing about the answer."""
    if foreign := sorted(given - _TAKES[asked]):
        raise UsageError(
            f"{' and '.join(foreign)} cannot be asked of {asked}",
            hint=f"it takes {', '.join(sorted(_TAKES[asked]))}; treadle lineage --help",
        )


def _page(head: dict[str, Any], ways: dict[str, list[Related]], limit: int, after: int, *, as_json: bool) -> int:
    """A page of each way; one more than the page says that there are more."""
    pages = {way: found[:limit] for way, found in ways.items()}
    more = any(len(found) > limit for found in ways.values())
    if as_json:
        told = {way: [related.to_json() for related in found] for way, found in pages.items()}
        emit_json({**head, **told, "next": after + limit if more else None})
        return 0
    if "digest" in head:
        click.echo(f"{head['type']}  {head['digest']}  {_facts(head['properties'])}".rstrip())
    for made in head.get("made_by", [])[:1]:
        click.echo(f"made by {made['node']} in run {made['run']}")
    titles = {"up": "Made from:", "down": "Reached by the span:" if "span" in head else "Made from it:"}
    for way, found in pages.items():
        click.echo(titles[way] + ("" if found else " nothing"))
        for related in found:
            artifact = related.artifact
            click.echo(
                f"  {related.depth:>2}  {artifact.type_name:<20} {artifact.digest[:23]}  {related.run}"
                f"  {_facts(artifact.properties)}".rstrip()
            )
    if more:
        note(f"There are more: --after {after + limit}")
    return 0


def _list(
    metadata: MetadataStore,
    type_name: str | None,
    pipeline: str | None,
    run: str | None,
    node: str | None,
    limit: int,
    after: int,
    *,
    as_json: bool,
) -> int:
    found = metadata.lineage.artifacts(
        type_name=type_name, pipeline=pipeline, run=run, node=node, after=after, limit=limit
    )
    following = found[-1][0] if len(found) == limit else None
    if as_json:
        artifacts = [
            {"digest": artifact.digest, "type": artifact.type_name, "properties": dict(artifact.properties)}
            for _, artifact in found
        ]
        emit_json({"artifacts": artifacts, "next": following})
        return 0
    for _, artifact in found:
        click.echo(f"{artifact.type_name:<20} {artifact.digest}  {_facts(artifact.properties)}".rstrip())
    if following is not None:
        note(f"There may be more: --after {following}")
    if not found:
        note("No artifact, or no more." if after else "No artifact is like that.")
    return 0


def _tell_code(head: dict[str, Any], makings: list[Making], *, as_json: bool) -> int:
    if as_json:
        emit_json({**head, "made_by": [made.to_json() for made in makings]})
        return 0
    for made in makings:
        when = "" if made.finished_at is None else time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(made.finished_at / 1e6))
        click.echo(f"{made.node} ({made.component}) {made.state} in run {made.run} {when}".rstrip())
        for name, value in sorted(made.parts.items()):
            click.echo(f"  {name}: {value}")
    return 0


def _facts(properties: Any) -> str:
    plain = {name: value for name, value in properties.items() if isinstance(value, str | int | float | bool)}
    return " ".join(f"{name}={value}" for name, value in plain.items())
