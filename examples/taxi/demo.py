"""The main job: nine months to a served model, then 27 months of rides replayed against it while a policy turns the wheel.

Every demo starts with an empty registry, request log and serving folder; the node cache in ``build/demo/store`` is kept,
so a second run reuses what it can and says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "demo"
STORE, SERVING, LOG, LABELS = BUILD / "store", BUILD / "serving", BUILD / "log", BUILD / "labels"
# before treadle is imported: the store of this demo, and the threads of its libraries
os.environ["TREADLE_HOME"] = str(STORE)
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa  # noqa: E402
from report import render  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.padding import Padding  # noqa: E402
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn  # noqa: E402

from pipeline import CARD_PAID, DATA, SCHEMA, policy, taxi  # noqa: E402
from treadle import runner  # noqa: E402
from treadle.evaluation import binary_metrics  # noqa: E402
from treadle.ingest import ROW_ID, build_examples, list_spans, read_examples, select_spans  # noqa: E402
from treadle.loop import Loop, Replay, Sent, Turn  # noqa: E402
from treadle.monitoring import LabelStore, Traffic, Window, join_labels, measure_quality  # noqa: E402
from treadle.registry import Registry  # noqa: E402
from treadle.schema import Schema  # noqa: E402
from treadle.servable import Servable  # noqa: E402
from treadle.transform import TransformGraph  # noqa: E402

TRAINED = ("2018-01", "2018-09")
REPLAYED = [f"{year}-{month:02d}" for year in (2018, 2019, 2020) for month in range(1, 13)][9:]
BATCH, SMALL = 500, 10

COLOUR = {"promoted": "green", "none": "dim"}

console = Console(highlight=False)


def main() -> int:
    """Run the demo; 0 when every ride was answered."""
    began = time.monotonic()
    start_empty()
    console.rule("[bold]1. Nine months to a served model")
    result = first_model()
    console.rule("[bold]2. 27 months of rides, one line a month")
    with server() as (url, process):
        months = replay(url, process, result)
    finish(months, time.monotonic() - began)
    return 0 if not any(month["failed"] for month in months) else 1


def start_empty() -> None:
    """Remove everything but the node cache."""
    for folder in (SERVING, LOG, LABELS, BUILD / "months"):
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("registry", "loop"):
        for file in STORE.glob(f"{name}.sqlite*"):
            file.unlink()
    STORE.mkdir(parents=True, exist_ok=True)


def first_model() -> runner.RunResult:
    """Run the pipeline on the training months and say what each node did."""
    with progress() as bar:
        task = bar.add_task(f"pipeline on {TRAINED[0]} .. {TRAINED[1]}", total=9)
        result = runner.run(
            taxi,
            {"first": TRAINED[0], "last": TRAINED[1], "serving": str(SERVING)},
            home=STORE,
            on_event=lambda event: advance(bar, task, event),
        )
    if result.state != "succeeded":
        for name, node in result.nodes.items():
            if node.error:
                console.print(f"[red]{name}: {node.error}")
        raise SystemExit(2)
    cached = [name for name, node in result.nodes.items() if node.state == "cached"]
    for name, node in result.nodes.items():
        console.print(f"  {name:<12} [dim]{node.state:<7}{node.seconds:6.2f} s")
    if cached:
        console.print(f"  {len(cached)} of {len(result.nodes)} nodes were reused from the run before.")
    scores = result.nodes["evaluate"].outputs["evaluation"].properties
    verdict = result.nodes["evaluate"].outputs["verdict"].properties
    parity = result.nodes["package"].outputs["servable"].properties["parity"]
    console.print(
        f"  AUC {scores['auc']:.3f}, calibration {scores['calibration']:.3f}, log loss {scores['log_loss']:.3f} on"
        f" {scores['count']:,} held-out rides; verdict {verdict['state']}; native and served predictions differ by"
        f" at most {parity['max_difference']:.1e} on {parity['rows']:,} rows"
    )
    return result


def advance(bar: Progress, task: Any, event: Any) -> None:
    """Move the bar when a node has ended."""
    if event.kind == "finished":
        bar.update(task, advance=1, description=f"{event.node} {event.result.state}")


@contextmanager
def server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A real server process on loopback, and its address as soon as it is ready."""
    command = [sys.executable, "-m", "treadle", "serve", str(SERVING), "--port", "0", "--log", str(LOG), "--json"]
    with (BUILD / "server.txt").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"The server did not start:\n{(BUILD / 'server.txt').read_text()}")
        url = json.loads(line)["url"]
        console.print(f"  serving [bold]taxi[/] at {url} (process {process.pid})")
        yield url, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def replay(url: str, process: subprocess.Popen[str], first: runner.RunResult) -> list[dict[str, Any]]:
    """Play the months one after the other: rides, then last month's labels, then the loop's turn."""
    schema = Schema.load(SCHEMA)
    labelling = TransformGraph.load(first.nodes["transform"].outputs["graph"].path)
    labels = LabelStore(LABELS)
    loop = Loop(
        taxi,
        policy,
        model="taxi",
        serving=SERVING,
        log=LOG,
        labels=LABELS,
        parameters={"serving": str(SERVING)},
        home=STORE,
    )
    sent: dict[str, Sent] = {}
    turns: dict[str, Turn] = {}
    pending: pa.Table | None = None
    features = list(schema.environment("SERVING").features)
    champion = 1
    with Replay(url, "taxi", batch_rows=BATCH) as client:
        for month in REPLAYED:
            rides = rides_of(month, schema)
            sent[month] = send(client, month, rides, features, champion)
            if pending is not None:
                labels.add(pending)
            pending = labels_of(rides, labelling, schema)
            process.send_signal(signal.SIGUSR1)  # seal the log now: in life, a month passes
            wait_until_sealed(sum(part.rows - part.failed for part in sent.values()))
            window = window_of(month)
            with console.status(f"{month}: looking at the traffic"):
                for turn in loop.tick(window.end):
                    turns[turn.window.name] = turn
                    champion = turn.version
            say(month, sent[month], turns[month])
    assert pending is not None
    labels.add(pending)  # December's labels, after the last month
    return [record(month, sent[month], turns[month], labels.read()) for month in REPLAYED]


def rides_of(month: str, schema: Schema) -> pa.Table:
    """The card-paid rides of one month's file, with the row ids that training would give them."""
    folder = BUILD / "months" / month
    build_examples(
        select_spans(list_spans(DATA), first=month, last=month), schema=schema, out_path=folder, where=CARD_PAID
    )
    return read_examples(folder).table("train")


def labels_of(rides: pa.Table, graph: TransformGraph, schema: Schema) -> pa.Table:
    """What became of the rides, by the label's one definition: the graph's."""
    return pa.table(
        {
            "prediction_id": rides[ROW_ID],
            "label": graph.transform(rides, outputs=["big_tip"])["big_tip"],
            "event_time": rides[schema.event_time],
        }
    )


def send(client: Replay, month: str, rides: pa.Table, features: list[str], champion: int) -> Sent:
    """Send a month over HTTP. Until the server follows the alias, in small batches: the swap happens under traffic."""
    total = Sent()
    with progress() as bar:
        task = bar.add_task(month, total=rides.num_rows)
        while total.rows < rides.num_rows:
            following = champion in total.by_version
            batch = rides.slice(total.rows, BATCH if following else SMALL)
            total.add(client.send(batch.select(features), batch[ROW_ID]))
            bar.update(task, completed=total.rows)
            if not following:
                time.sleep(0.02)
    return total


def wait_until_sealed(rows: int) -> None:
    """Wait for the server to seal what it was asked; monitoring reads sealed segments only."""
    deadline = time.monotonic() + 30
    while (sealed := Traffic(LOG, "taxi").read().num_rows) < rows:
        if time.monotonic() > deadline:
            raise SystemExit(f"The request log holds {sealed} of {rows} rides after 30 s.")
        time.sleep(0.05)


def window_of(month: str) -> Window:
    """The calendar month."""
    start = datetime.strptime(month, "%Y-%m")
    return Window(start, datetime(start.year + start.month // 12, start.month % 12 + 1, 1))


def say(month: str, sent: Sent, turn: Turn) -> None:
    """One line a month, with what is known by now."""
    metrics = turn.quality.get("metrics")
    known = [f"calibration {metrics['calibration']:.3f} in {turn.quality['window']}"] if metrics else []
    drifted = [f"drifted: {', '.join(turn.drifted)}"] if turn.drifted else []
    console.print(
        f"[bold]{month}[/] {sent.rows:>6,} rides {sent.failed:>2} failed  [{COLOUR.get(turn.action, 'red')}]{turn.action:<9}[/]"
        f"[dim]v{turn.version}[/]  {'; '.join(turn.reasons or [*known, *drifted])}",
        soft_wrap=True,
    )


def record(month: str, sent: Sent, turn: Turn, labels: pa.Table) -> dict[str, Any]:
    """The month's record once all labels are in: live, and version 1 on the same rides."""
    version_1 = Servable.load(SERVING / "taxi" / "1")
    rides = Traffic(LOG, "taxi", event_time=version_1.schema.event_time).read(window_of(month))
    live = measure_quality(rides, labels).metrics
    joined = join_labels(rides, labels, key="__prediction_id__")
    known = joined.is_valid()
    frozen = binary_metrics(
        joined.filter(known).to_numpy(zero_copy_only=False), version_1.predict_table(rides.filter(known))
    )[0]
    return {
        "month": month,
        "rides": sent.rows,
        "failed": sent.failed,
        "drifted": turn.drifted,
        "auc": live["auc"],
        "calibration": live["calibration"],
        "log_loss": live["log_loss"],
        "action": turn.action,
        "reason": "; ".join(turn.reasons),
        "frozen_auc": frozen["auc"],
        "frozen_calibration": frozen["calibration"],
        "frozen_log_loss": frozen["log_loss"],
        "served_by": {str(version): rows for version, rows in sorted(sent.by_version.items())},
    }


def finish(months: list[dict[str, Any]], seconds: float) -> None:
    """Write and print what came out."""
    (BUILD / "months.json").write_text(json.dumps(months, indent=1) + "\n")
    console.rule("[bold]3. What came out")
    show(months)
    after = [month for month in months if month["month"] >= "2019-04"]
    count = Counter(month["action"] for month in months)
    rides, failed = (sum(month[key] for month in months) for key in ("rides", "failed"))
    facts = [
        (f"{rides:,}", "rides served over HTTP"),
        (str(failed), "failed"),
        (f"{count['promoted']} / {count['refused']}", "models promoted / refused by a gate"),
        (f"{mean(after, 'calibration'):.3f}", "calibration since 2019-04, in service"),
        (f"{mean(after, 'frozen_calibration'):.3f}", "the same, version 1 frozen"),
        (f"{mean(after, 'auc') - mean(after, 'frozen_auc'):+.3f}", "AUC against frozen since 2019-04"),
    ]
    drifted = Counter(feature for month in months for feature in month["drifted"])
    (BUILD / "report.html").write_text(render(months, facts, [name for name, _ in drifted.most_common()]))
    for figure, caption in facts:
        console.print(f"  [bold]{figure:>10}[/]  {caption}")
    console.print(f"  {len(Registry(STORE).versions('taxi'))} versions in the registry; {seconds:.0f} s in all")
    console.print(f"  report: {(BUILD / 'report.html').relative_to(ROOT)}, records: build/demo/months.json")


def show(months: list[dict[str, Any]]) -> None:
    """The months as people read them: figures on one line, what moved and why below it."""
    console.print("[bold]month      rides  failed    AUC  frozen  calibration  frozen  action")
    for month in months:
        figures = [month[key] for key in ("auc", "frozen_auc", "calibration", "frozen_calibration")]
        auc, frozen_auc, calibration, frozen = ("–" if figure is None else f"{figure:.3f}" for figure in figures)
        console.print(
            f"{month['month']}  {month['rides']:>7,}  {month['failed']:>6}  {auc:>5}  [dim]{frozen_auc:>6}[/]"
            f"  {calibration:>11}  [dim]{frozen:>6}[/]  [{COLOUR.get(month['action'], 'red')}]{month['action']}[/]"
        )
        drifted = ", ".join(f"{name} {max(crossed.values()):.3f}" for name, crossed in month["drifted"].items())
        for word, text in (("drifted:", drifted), ("because:", month["reason"])):
            if text:
                console.print(Padding(f"[dim]{word} {text}", (0, 0, 0, 9)), soft_wrap=False)


def mean(months: list[dict[str, Any]], key: str) -> float:
    """The mean over months in which it was measured."""
    values = [month[key] for month in months if month[key] is not None]
    return sum(values) / len(values) if values else float("nan")


def progress() -> Progress:
    """A bar that leaves nothing behind."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


if __name__ == "__main__":
    sys.exit(main())
