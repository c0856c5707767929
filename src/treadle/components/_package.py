"""package: Model and TransformGraph -> Servable, with its parity proof."""

from __future__ import annotations

from treadle.artifact import Examples, File, Model, Output, ServableArtifact, StatisticsArtifact, TransformGraphArtifact
from treadle.pipeline import component


@component
def package(
    model: Model,
    graph: TransformGraphArtifact,
    examples: Examples,
    statistics: StatisticsArtifact,
    *,
    schema: File,
    split: str = "eval",
    parity_bound: float = 1e-4,
    servable: Output[ServableArtifact],
) -> None:
    """Fuse transform graph and model into one servable and prove that it predicts as the native model does.

    Args:
        model: The fitted model.
        graph: The transform graph it was trained behind.
        examples: Raw rows; those of ``split`` are the proof.
        statistics: Of the training data: the baseline that monitoring compares with.
        schema: The TOML schema; what it says of the SERVING environment is what requests are held to.
        split: The split whose rows go both ways.
        parity_bound: The largest difference allowed between the two; a larger one fails the node.
        servable: The directory a server predicts from.
    """
    from treadle.frameworks import load_model
    from treadle.ingest import read_examples
    from treadle.schema import Schema
    from treadle.servable import Servable, build_servable
    from treadle.transform import TransformGraph

    reader = read_examples(examples.path)
    transform_graph = TransformGraph.load(graph.path)
    native = load_model(model.path)
    manifest = build_servable(
        servable.path,
        feature_model=transform_graph.feature_model(),
        model_onnx=native.to_onnx(),
        feature_names=transform_graph.feature_names,
        native_predict=native.predict,
        transform_rows=transform_graph.feature_matrix,
        schema=transform_graph.request_schema(Schema.load(schema)),
        rows=reader.table(split),
        task=native.task,
        baseline_path=statistics.path / "train.json",
        parity_bound=parity_bound,
        versions=native.versions,
        functions=transform_graph.function_proofs(),
    )
    servable.properties.update(digest=Servable.load(servable.path).digest, parity=manifest["parity"])
