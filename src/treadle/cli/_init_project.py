"""The files of a new project, written from what its data are like."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from treadle.cli._init_data import Draft
from treadle.cli._init_label import literal
from treadle.cli._init_place import Place
from treadle.errors import UsageError


def write_project(folder: Path, draft: Draft, data: Place, options: Mapping[str, Any]) -> list[Path]:
    """Write ``pipeline.py``, ``schema.toml``, ``README.md`` and ``.gitignore``.

    Raises:
        UsageError: The folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"The folder {folder} is not empty.", where={"folder": folder})
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "_", folder.name).strip("_").lower() or "model"
    name = f"model_{name}" if name[0].isdigit() else name
    draft.schema.save(folder / "schema.toml")
    files = {
        "pipeline.py": _pipeline(name, draft, data, _source_of(data.pattern, folder), options),
        "README.md": _readme(name, draft),
        ".gitignore": ".treadle/\nserving/\nlog/\nlabels/\n",
    }
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def _pipeline(name: str, draft: Draft, data: Place, source: str, options: Mapping[str, Any]) -> str:
    label = draft.label
    lines = "\n".join(f"        {line}" for line in _features(draft))
    where = f"\nLABELLED = {literal(label.known)}" if label.missing else ""
    arguments = ["pattern=DATA", "schema=SCHEMA"]
    arguments += ["first=first", "last=last"] if data.dated else []
    arguments += ["where=LABELLED"] if label.missing else []
    arguments += ['split_by="time"'] if draft.schema.event_time else []
    arguments += [f"options={dict(options)!r}"] if options else []
    advice = "".join(f"# {column!r} {problem}\n" for column, problem in draft.advice)
    left_out = f"\n# Left out of the features; put back what you know better about:\n{advice}" if advice else ""
    spans = f"first: str | None = {literal(data.first)}, last: str | None = {literal(data.last)}"
    windows = "    # the loop says first and last; these files have no dates, so all of them are read\n"
    if data.dated:
        windows = "    # there are more files; these are what the schema was drafted from\n" if data.first else ""
    return f'''"""Features, model, pipeline and policy, drafted from {draft.rows:,} rows; now they are yours."""

from pathlib import Path

import treadle
from treadle import components as step
from treadle import transform as tt
from treadle.evaluation import at_least, no_worse

HERE = Path(__file__).parent
DATA = {source}
SCHEMA = HERE / "schema.toml"{where}
{left_out}

def preprocess(x):
    """Raw columns to features and label; the same graph serves. Missing stays missing: trees know what to do."""
    return {{
        "label": {f"x[{literal(label.column)}] {label.comparison or ''}".strip()},
{lines}
    }}


def train(data):
    """Any framework: here LightGBM, the same trees on every machine."""
    import lightgbm

    settings = {{"objective": "{draft.label.task}", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 20}}
    fixed = {{"deterministic": True, "num_threads": 1, "seed": 1, "verbosity": -1}}
    dataset = lightgbm.Dataset(data.train.features, data.train.labels)
    return lightgbm.train(settings | fixed, dataset, num_boost_round=100)


GATES = {_GATES[draft.label.task]}


@treadle.pipeline
def {name}({spans}, serving: str = "serving"):
{windows}    examples = step.ingest({", ".join(arguments)})
    statistics = step.statistics(examples, schema=SCHEMA)
    checked = step.validate(statistics, schema=SCHEMA)
    features = step.transform(examples, schema=SCHEMA, preprocess=preprocess, label="label", after=[checked])
    model = step.train(features.transformed, trainer=train)
    servable = step.package(model, features.graph, examples, statistics, schema=SCHEMA)
    champion = step.champion(name="{name}", serving=serving)
    scores = step.evaluate(servable, examples, features.transformed, champion, gates=GATES)
    step.push(servable, scores.verdict, examples, name="{name}", serving=serving)


policy = treadle.RetrainPolicy(drift=1, every="12mo", cooldown="1mo", label_delay="1mo")
'''


_GATES = {
    "binary": '[at_least("auc", 0.5), no_worse("log_loss")]  # better than chance: ask for what you need',
    "regression": '[at_least("r2", 0.0), no_worse("rmse")]  # better than the mean: ask for what you need',
}


def _source_of(pattern: str, folder: Path) -> str:
    """Where the data are, as Python source: a path from the project, or a URL."""
    from treadle.ingest import is_url

    if is_url(pattern):
        return literal(pattern)
    return f"str((HERE / {literal(os.path.relpath(pattern, folder.resolve()))}).resolve())"


def _features(draft: Draft) -> list[str]:
    lines = []
    for name, kind in draft.features.items():
        column = f"x[{literal(name)}]"
        if kind == "timestamp":
            parts = [("hour", "hour_of_day"), ("day", "day_of_week"), ("month", "month")]
            lines += [f"{literal(f'{name} {part}')}: tt.{function}({column})," for part, function in parts]
        elif kind == "string":
            lines.append(f"{literal(name)}: tt.vocabulary({column}, top_k=100, num_oov_buckets=1),")
        elif kind == "bool":
            lines.append(f'{literal(name)}: tt.cast({column}, "float"),')
        else:
            lines.append(f"{literal(name)}: {column},")
    return lines


def _readme(name: str, draft: Draft) -> str:
    advice = "".join(f"* `{column}` {problem}\n" for column, problem in draft.advice)
    return f"""# {name}

Run these in this folder:

    treadle run pipeline.py                              # examples, statistics, features, model, verdict, push
    treadle serve serving --port 8500 --log log          # predictions over HTTP, with a request log
    treadle loop pipeline.py --model {name} --serving serving --log log --labels labels

A prediction of the server:

    curl localhost:8500/v1/models/{name}:predict -d {
        shlex.quote(json.dumps({"instances": [draft.example]}, ensure_ascii=False))
    }

`schema.toml` says what the data should be: correct it where it only says what they have been. `preprocess` in
`pipeline.py` makes the features; `GATES` are what a model must show before it is served; `policy` says when a new one
is trained.
{
        f'''
## Left out of the features

{advice}'''
        if advice
        else ""
    }"""
