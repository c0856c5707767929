"""evaluate: a candidate servable against labels, gates and the champion -> Evaluation and Verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from treadle.artifact import (
    Evaluation,
    Examples,
    Output,
    ServableArtifact,
    TransformedExamples,
    Verdict,
    canonical_json,
)
from treadle.pipeline import component

if TYPE_CHECKING:
    from pathlib import Path

    from treadle.evaluation import Evaluation as Scores


@component
def evaluate(
    servable: ServableArtifact,
    examples: Examples,
    transformed: TransformedExamples,
    champion: ServableArtifact | None = None,
    *,
    gates: list[dict[str, Any]],
    slices: list[list[str]] | None = None,
    min_slice_rows: int = 100,
    threshold: float = 0.5,
    split: str = "eval",
    evaluation: Output[Evaluation],
    verdict: Output[Verdict],
) -> None:
    """Score candidate and champion on the same rows, through the same object a server predicts with, and judge.

    Args:
        servable: The candidate.
        examples: Raw rows to predict and to slice by.
        transformed: The labels of these rows.
        champion: The servable in service; none, or an empty one, leaves gates on the change unapplied.
        gates: What the candidate must show: see ``treadle.evaluation.at_least`` and its neighbours.
        slices: Lists of features; each list makes one slice per combination of values.
        min_slice_rows: Smaller slices are not measured.
        threshold: Decision threshold of accuracy, precision and recall.
        split: The split to score on.
        evaluation: ``evaluation.json`` of the candidate and ``champion.json`` of the champion.
        verdict: ``verdict.json``.
    """
    from treadle.evaluation import evaluate as measure
    from treadle.evaluation import judge
    from treadle.ingest import read_examples
    from treadle.servable import Servable
    from treadle.training import load_split

    rows = read_examples(examples.path).table(split)
    labels = load_split(transformed.path, split).labels

    def score(path: Path) -> Scores:
        loaded = Servable.load(path)
        return measure(
            labels,
            loaded.predict_table(rows),
            task=loaded.task,
            rows=rows,
            slices=slices or (),
            threshold=threshold,
            min_slice_rows=min_slice_rows,
        )

    scores = {"evaluation": score(servable.path)}
    if champion is not None and any(champion.path.iterdir()):
        scores["champion"] = score(champion.path)
    for name, scored in scores.items():
        (evaluation.path / f"{name}.json").write_bytes(canonical_json(scored.to_json()))
    judged = judge(scores["evaluation"], gates, baseline=scores.get("champion"))
    (verdict.path / "verdict.json").write_bytes(canonical_json(judged.to_json()))
    evaluation.properties.update(scores["evaluation"].overall)
    verdict.properties.update(state=judged.state, reasons=list(judged.reasons))
