"""How the standard artifact types show themselves in a notebook. What a view needs is loaded when it is looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from treadle.artifact import (
    Anomalies,
    Artifact,
    Evaluation,
    Examples,
    Model,
    Pushed,
    SchemaArtifact,
    ServableArtifact,
    StatisticsArtifact,
    TransformedExamples,
    TransformGraphArtifact,
    Value,
    Verdict,
    show_with,
)
from treadle.notebook._markup import Raw, fold, frame, pre, state, table

_ROWS, _COLUMNS = 5, 30
_PAGE_HEIGHT, _GRAPH_HEIGHT = 620, 420


def register() -> None:
    """Make the standard artifact types show themselves."""
    show_with(Examples, _examples)
    show_with(TransformedExamples, _transformed)
    show_with(StatisticsArtifact, _statistics)
    show_with(SchemaArtifact, _schema)
    show_with(Anomalies, _anomalies)
    show_with(TransformGraphArtifact, _graph)
    show_with(Model, _model)
    show_with(Evaluation, _evaluation)
    show_with(Verdict, _verdict)
    show_with(ServableArtifact, _servable)
    show_with(Pushed, _pushed)
    show_with(Value, _value)


def _examples(artifact: Examples) -> str:
    from treadle.ingest import read_examples

    reader = read_examples(artifact.path)
    counts = table(["split", "rows"], [[split, f"{reader.num_rows(split):,}"] for split in reader.splits])
    split = next((split for split in _ordered(reader.splits) if reader.num_rows(split)), None)
    if split is None:
        return counts
    head = next(iter(reader.batches(split, batch_rows=_ROWS)))
    return counts + _rows(head, f"the first rows of {split}")


def _transformed(artifact: TransformedExamples) -> str:
    import pyarrow.parquet as pq

    files = _ordered(sorted(artifact.path.glob("*/part-*.parquet")), name=lambda file: file.parent.name)
    counts = table(
        ["split", "rows", "columns"],
        [[file.parent.name, f"{found.num_rows:,}", found.num_columns] for file in files for found in [_about(file)]],
    )
    if not files:
        return counts
    with pq.ParquetFile(files[0]) as opened:
        head = next(iter(opened.iter_batches(batch_size=_ROWS)), None)
    return counts + (_rows(head, f"the first rows of {files[0].parent.name}") if head is not None else "")


def _ordered(splits: Iterable[Any], name: Callable[[Any], str] = str) -> list[Any]:
    """Splits with the training split first."""
    return sorted(splits, key=lambda split: name(split) != "train")


def _about(file: Any) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        return opened.metadata


def _rows(batch: Any, title: str) -> str:
    batch = batch.slice(0, _ROWS)
    names = batch.schema.names[:_COLUMNS]
    columns = [batch.column(name).to_pylist() for name in names]
    more = f" (the first {_COLUMNS} of {batch.num_columns} columns)" if batch.num_columns > _COLUMNS else ""
    shown = table(names, zip(*columns, strict=True))
    return f'<p>{title}{more}</p><div style="overflow-x:auto">{shown}</div>'


def _statistics(artifact: StatisticsArtifact) -> str:
    from treadle.statistics import Statistics
    from treadle.statistics.html import page

    splits = {file.stem: Statistics.load(file) for file in sorted(artifact.path.glob("*.json"))}
    shown = {split: splits[split] for split in _ordered(splits)[:2]}
    return frame(page(shown), _PAGE_HEIGHT) if shown else "<p>There is no split.</p>"


def _schema(artifact: SchemaArtifact) -> str:
    from treadle.schema import Schema

    schema = Schema.load(artifact.path / "schema.toml")
    rows = [
        [path, feature.type, "" if feature.required else "optional", _domain(feature), feature.description]
        for path, feature in schema.paths.items()
    ]
    source = pre((artifact.path / "schema.toml").read_text(encoding="utf-8"))
    return table(["feature", "type", "", "domain", ""], rows) + fold("schema.toml", source)


def _domain(feature: Any) -> str:
    if feature.values is not None:
        return ", ".join(map(str, feature.values[:8])) + (" …" if len(feature.values) > 8 else "")
    if feature.min is None and feature.max is None:
        return ""
    return f"{'' if feature.min is None else feature.min} … {'' if feature.max is None else feature.max}"


def _anomalies(artifact: Anomalies) -> str:
    found = _read(artifact, "anomalies.json")
    listed = found["anomalies"] if isinstance(found, dict) else found
    if not listed:
        return "<p>Nothing disagrees.</p>"
    rows = [[each["feature"], state(each["severity"]), each["reason"], each["message"]] for each in listed]
    return table(["feature", "severity", "reason", ""], rows)


def _graph(artifact: TransformGraphArtifact) -> str:
    from treadle.graph import boxes_of_nodes, page_of
    from treadle.transform import TransformGraph

    graph = TransformGraph.load(artifact.path)
    return frame(page_of(boxes_of_nodes(graph.nodes), f"{len(graph.feature_names)} features"), _GRAPH_HEIGHT)


def _model(artifact: Model) -> str:
    manifests = sorted(artifact.path.glob("*.json"))
    facts = _read(artifact, manifests[0].name) if manifests else {}
    plain = {name: value for name, value in facts.items() if not isinstance(value, dict | list)}
    return table(["", ""], plain.items()) + _files(artifact)


def _evaluation(artifact: Evaluation) -> str:
    from treadle.evaluation import Evaluation as Scores

    scores = {file.stem: Scores.load(file) for file in sorted(artifact.path.glob("*.json"), reverse=True)}
    metrics = dict.fromkeys(name for each in scores.values() for name in each.overall)
    whole = table(
        ["metric", *("candidate" if name == "evaluation" else name for name in scores)],
        [[name, *(each.overall.get(name) for each in scores.values())] for name in metrics],
    )
    slices = _read(artifact, "evaluation.json").get("slices", {})
    rows = [[name, *(measured.get(metric) for metric in metrics)] for name, measured in slices.items() if name]
    return whole + (fold(f"{len(rows)} slices", table(["slice", *metrics], rows)) if rows else "")


def _verdict(artifact: Verdict) -> str:
    judged = _read(artifact, "verdict.json")
    rows = [
        [gate["gate"], state(gate["state"]), gate["value"], gate["baseline"], gate["reason"]]
        for gate in judged.get("gates", [])
    ]
    return f"<p>{state(judged['state'])}</p>" + table(["gate", "", "candidate", "baseline", ""], rows)


def _servable(artifact: ServableArtifact) -> str:
    from treadle.graph import boxes_of_model, page_of

    manifest = _read(artifact, "manifest.json")
    inputs = ", ".join(f"{each['name']} ({each['type']})" for each in manifest["inputs"])
    parity = manifest.get("parity", {})
    facts = {
        "task": manifest["task"],
        "inputs": inputs,
        "features": len(manifest["feature_names"]),
        "parity": f"largest difference {parity.get('max_difference')} over {parity.get('rows')} rows",
        "versions": ", ".join(f"{name} {version}" for name, version in manifest.get("versions", {}).items()),
    }
    import onnx

    model = onnx.load(artifact.path / "model.onnx")
    drawn = fold("the graph", frame(page_of(boxes_of_model(model), "model.onnx"), _GRAPH_HEIGHT))
    return table(["", ""], facts.items()) + drawn


def _pushed(artifact: Pushed) -> str:
    pushed = _read(artifact, "pushed.json")
    return table(["", ""], ((name, value) for name, value in pushed.items() if not isinstance(value, dict | list)))


def _value(artifact: Value) -> str:
    return pre(json.dumps(artifact.read(), ensure_ascii=False, indent=1))


def _read(artifact: Artifact, name: str) -> Any:
    return json.loads((artifact.path / name).read_bytes())


def _files(artifact: Artifact) -> Raw:
    files = sorted(path for path in artifact.path.rglob("*") if path.is_file())
    return table(
        ["file", "bytes"],
        [[path.relative_to(artifact.path).as_posix(), f"{path.stat().st_size:,}"] for path in files],
    )
