"""What ONNX cannot say about a text is computed where it enters: hashes, lengths, tokens, parts of it.

A model names such inputs in its metadata, under ``treadle.prepared``: for each the raw features it is made of, and
the steps that make it. A step goes from one value to another and knows nothing of other rows. ``Session`` takes the
steps, in bulk (over distinct values) as for one request: they exist once, in the modules of this folder. Nothing in
them depends on the machine, its locale or its version of Unicode.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from treadle.errors import InputValueError, ModelFormatError
from treadle.graph.steps._images import IMAGE_STEPS, NotAnImageError
from treadle.graph.steps._images import pixels as _pixels
from treadle.graph.steps._last import LAST_STEPS as _LAST_STEPS
from treadle.graph.steps._pieces import PIECE_STEPS
from treadle.graph.steps._text import TEXT_STEPS, Function
from treadle.graph.values._python import MISSING_TEXT, Tensor

METADATA = "treadle.prepared"
Step: TypeAlias = "tuple[Any, ...]"
"""A name and its settings: texts, integers, and tuples of them."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """An input that is made of raw text features."""

    features: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def tensor(self) -> str:
        """How the features are fed."""
        return "bytes" if self.steps[0][0] in IMAGE_STEPS else "string"

    def compiled(self) -> Callable[[Mapping[str, Tensor]], Tensor]:
        """From the raw features ``[N, 1]`` to the input: ``[N, 1]``, or ``[N, size]`` where it is of tokens.

        Raises:
            ModelFormatError: A step has settings that this version does not know.
            MissingDependencyError: A step needs a library that is not installed.
        """
        *before, last = self.steps
        finish = LAST_STEPS[str(last[0])]
        try:
            run = run_of(tuple(before))
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise ModelFormatError(f"A step of the model's prepared inputs cannot be read: {error}.") from error

        def prepare(feed: Mapping[str, Tensor]) -> Tensor:
            columns = [[_given(value) for value in feed[name].reshape(-1).tolist()] for name in self.features]
            rows = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
            return finish(list(self._each(run, rows)), *last[1:])

        return prepare

    def _each(self, run: Function, rows: Iterable[Any]) -> Iterator[Any]:
        for number, row in enumerate(rows):
            try:
                yield run(row)
            except NotAnImageError as error:
                raise InputValueError(
                    f"A value of the feature {self.features[0]!r} {error}.",
                    where={"column": self.features[0], "row": number},
                    hint='Leave the row out, or take tt.image(..., invalid="missing").',
                ) from error


def made_of_nothing(steps: tuple[Step, ...]) -> Any:
    """What steps make of a missing text: with a first step that fills it, a constant."""
    return Preparation(("x",), steps).compiled()({"x": np.array([[MISSING_TEXT]], dtype=object)})[0, 0]


def run_of(steps: tuple[Step, ...]) -> Function:
    """From one row's value, or its values where there are several features, to what the steps make of it."""
    functions = [_STEPS[str(step[0])](*step[1:]) for step in steps]

    def run(value: Any) -> Any:
        for function in functions:
            value = function(value)
        return value

    return run


def _concat(*parts: str | tuple[Any, ...]) -> Function:
    """Texts behind each other; missing when any is.

    A part is a text, or ``(positions, steps)``: some of the features, and what is made of them.
    """
    makers: list[Function] = []
    for part in parts:
        if isinstance(part, str):
            makers.append(_always(part))
        else:
            positions, steps = part
            makers.append(_of(positions, run_of(steps)))

    def joined(given: Any) -> str | None:
        made = [make(given) for make in makers]
        return None if None in made else "".join(made)

    return joined


def _always(text: str) -> Function:
    return lambda given: text  # noqa: ARG005 - whatever is given


def _of(positions: tuple[int, ...], run: Function) -> Function:
    def take(given: Any) -> Any:
        values = given if isinstance(given, tuple) else (given,)
        chosen = tuple(values[position] for position in positions)
        return run(chosen if len(chosen) > 1 else chosen[0])

    return take


def dump(preparations: Mapping[str, Preparation]) -> str:
    """For a model's metadata; the same preparations give the same text."""
    found = {name: {**_features(each.features), "steps": each.steps} for name, each in preparations.items()}
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(text: str) -> dict[str, Preparation]:
    """What :func:`dump` wrote.

    Raises:
        ModelFormatError: A step that this version does not know, or not what was written.
    """
    try:
        found = {
            name: Preparation(
                (each["feature"],) if "feature" in each else tuple(each["features"]),
                tuple(_tuple(step) for step in each["steps"]),
            )
            for name, each in json.loads(text).items()
        }
        names = {str(step[0]) for each in found.values() for step in each.steps}
        complete = all(each.steps and str(each.steps[-1][0]) in LAST_STEPS for each in found.values())
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFormatError("The model's prepared inputs cannot be read.") from error
    if not complete or not names <= _STEPS.keys() | LAST_STEPS.keys():
        raise ModelFormatError(
            f"The model wants steps that this version of Treadle does not know: {', '.join(sorted(names))}.",
            hint="Serve it with the version that built it.",
        )
    return found


def _features(names: tuple[str, ...]) -> dict[str, Any]:
    return {"feature": names[0]} if len(names) == 1 else {"features": names}


def _given(value: Any) -> Any:
    return None if value == MISSING_TEXT else value


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value


_STEPS: dict[str, Callable[..., Function]] = {**TEXT_STEPS, **PIECE_STEPS, **IMAGE_STEPS, "concat": _concat}
LAST_STEPS: dict[str, Callable[..., Tensor]] = {**_LAST_STEPS, "pixels": _pixels}
