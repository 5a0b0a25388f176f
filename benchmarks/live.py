"""What the Live page costs on a run of 10^5 metric lines: first reading, refresh, charts, payload.

    python -m benchmarks.live [--lines 100000] [--new 100] [--repeats 9]

Writes a run folder of that many training lines into a temporary folder. "first_read" is a new
session's; "refresh" reads lines that were added since; "full_read" is what each refresh would cost
if everything was read anew. "charts" builds the page's three curves, ready to be sent. The
payload is what one chart sends: its specification and its data in Arrow's format, and the same of
all lines. No browser. Writes benchmarks/results/live.json; the last line printed is that JSON.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from benchmarks.clock import spread, timed
from benchmarks.record import environment, write_result

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "app"))

from fake_runs import TINY, make_run  # noqa: E402  needs the path

from app.charts import curves  # noqa: E402
from app.charts.compare import Axis, overlay  # noqa: E402
from app.compare_frames import smoothed, together  # noqa: E402
from app.feed import Feed  # noqa: E402
from finegates.runs import METRICS_FILE, Run  # noqa: E402

CHARTS = ("loss", "score", "sparsity")
SPAN, TARGET, EVALUATE_EVERY = 8, 0.3, 1000
BYTES_OF_A_NUMBER = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--new", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        run = make_run(Path(folder), "queued", size=TINY, target_sparsity=TARGET)
        rng = np.random.default_rng(0)
        add_lines(run, 0, options.lines, rng)
        measured = measure(run, options.lines, options.new, options.repeats, rng)
    result = {**environment(), **vars(options), **measured}
    write_result("live.json", result)
    print(json.dumps(result))


def add_lines(run: Run, start: int, number: int, rng: np.random.Generator) -> None:
    """Appends training lines, and an evaluation each 1,000, as a worker writes them."""
    with open(run.path / METRICS_FILE, "a") as file:
        for step in range(start + 1, start + number + 1):
            file.write(json.dumps(train_row(step, rng), separators=(",", ":")) + "\n")
            if step % EVALUATE_EVERY == 0:
                row = {"kind": "eval", "step": step, "time": float(step), "score": 0.8,
                       "removed_weights_fraction": TARGET, "rounded": False}  # fmt: skip
                file.write(json.dumps(row, separators=(",", ":")) + "\n")


def train_row(step: int, rng: np.random.Generator) -> dict[str, Any]:
    """A line with every number that a real one has."""
    noise = float(rng.normal())
    numbers = ("loss", "task_loss", "penalty", "expected_removed", "current_target",
               "closed_gates_fraction", "removed_weights_fraction")  # fmt: skip
    return {
        "kind": "train", "step": step, "time": float(step), "memory_bytes": 1_320_000_000,
        "samples_per_s": 212.0 + noise, **{name: 0.3 + 0.01 * noise for name in numbers},
    }  # fmt: skip


def measure(
    run: Run, lines: int, new: int, repeats: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Milliseconds and bytes."""
    times: dict[str, list[float]] = {"first_read": [], "refresh": [], "full_read": [], "charts": []}
    file_bytes = (run.path / METRICS_FILE).stat().st_size
    for _ in range(max(1, repeats // 3)):
        times["first_read"].append(timed(lambda: read(Feed(run))))
    feed = Feed(run)
    read(feed)
    for number in range(repeats):
        add_lines(run, lines + number * new, new, rng)
        times["refresh"].append(timed(lambda: read(feed)))
        times["charts"].append(timed(lambda: [payload(c) for c in charts(feed)]))
    for _ in range(max(1, repeats // 3)):
        times["full_read"].append(timed(lambda: read(Feed(run))))
    return {
        "file_bytes": file_bytes,
        "feed_bytes": int(feed.train.size * BYTES_OF_A_NUMBER),
        "ms": {what: spread(values) for what, values in times.items()},
        "payload_bytes": dict(zip(CHARTS, map(payload, charts(feed)), strict=True)),
        "unthinned_loss_bytes": len(convert_anything_to_arrow_bytes(loss_rows(feed))),
    }


def read(feed: Feed) -> None:
    """As a tick of the page does."""
    feed.refresh()
    assert len(feed.train) and len(feed.evaluations)


def loss_rows(feed: Feed) -> pd.DataFrame:
    """All lines, with the smoothed loss."""
    return smoothed(together([feed.train], ["run"], [0.0]), SPAN)


def charts(feed: Feed) -> list[alt.LayerChart]:
    """The curves of the page for one run."""
    end = int(feed.train["step"].iloc[-1])
    steps, looks = Axis("step", "Step", end=end), {"run": 0}
    scores = together([feed.evaluations], ["run"], [0.0])
    loss = Axis("smoothed", "Task loss")
    return [
        overlay(loss_rows(feed), looks, steps, loss, raw="task_loss"),
        overlay(scores, looks, steps, Axis("score", "Accuracy"), points=True),
        curves.sparsity(feed.train, TARGET, end),
    ]


def payload(chart: alt.LayerChart) -> int:
    """Bytes that a chart's specification and data take on their way to the browser."""
    sent: dict[str, bytes] = {}

    def keep(data: Any) -> dict[str, str]:
        content = convert_anything_to_arrow_bytes(data)
        name = str(hash(content))
        sent[name] = content
        return {"name": name}

    alt.data_transformers.register("keep", keep)
    with alt.data_transformers.enable("keep"):
        specification = json.dumps(chart.to_dict())
    return len(specification) + sum(map(len, sent.values()))


if __name__ == "__main__":
    main()
