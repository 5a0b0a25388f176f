"""What was measured of a finished run's cuts, as frames for the Prune page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app.words import NOTHING, count, metric_name, percent, score
from finegates.gates.cuts import Cut, cut_of
from finegates.runs.status import Status

SCORES = ["removed", "score", "closed", "params", "mac_ratio", "kind", "cut"]
TIMES = ["removed", "factor", "low", "high", "ceiling", "shape", "dtype", "hardware"]
BUDGET, THRESHOLD, TRAINED = "budget", "threshold", "as trained"


@dataclass(frozen=True)
class MeasuredCuts:
    """What is known of a run's cuts.

    Attributes:
        points: At budgets and thresholds, from `finegates.runs.measurements`.
        timings: From `finegates.runs.measurements`.
        status: Where the run stands: what it scored itself.
    """

    points: Sequence[Mapping[str, Any]]
    timings: Sequence[Mapping[str, Any]]
    status: Status

    @property
    def metric(self) -> str:
        """Name of the score, in words."""
        return metric_name(self.status.metric)

    def point(self, cut: Cut) -> Mapping[str, Any] | None:
        """The point at a cut."""
        return next((p for p in self.points if cut_of(p) == cut), None)

    @property
    def dense(self) -> Mapping[str, Any] | None:
        """The point with every gate open."""
        return self.point(Cut(remove=0.0))

    def timing(self, cut: Cut) -> Mapping[str, Any] | None:
        """The newest timing of a cut."""
        return next((t for t in reversed(self.timings) if cut_of(t) == cut), None)


def score_frame(measured: MeasuredCuts) -> pd.DataFrame:
    """A row for each point that was scored, fewest weights removed first."""
    rows = [
        {
            "removed": p["removed_weights_fraction"],
            "score": p["score"],
            "closed": p.get("closed_gates_fraction"),
            "params": p.get("params"),
            "mac_ratio": p.get("mac_ratio"),
            "kind": BUDGET if p.get("remove") is not None else THRESHOLD,
            "cut": cut.words,
        }
        for p in measured.points
        if (cut := cut_of(p))
    ]
    if rows and measured.status.score is not None:
        rows.append(_as_trained(measured.status))
    return pd.DataFrame(rows, columns=SCORES).sort_values("removed", ignore_index=True)


def time_frame(measured: MeasuredCuts) -> pd.DataFrame:
    """A row for each timing: time of the smaller model over that of the dense one."""
    rows = [
        {
            "removed": t["removed_weights_fraction"],
            "factor": 1 / t["speedup"],
            "low": t.get("shrunk_p10_s", t["shrunk_s"]) / t["dense_s"],
            "high": t.get("shrunk_p90_s", t["shrunk_s"]) / t["dense_s"],
            "ceiling": 1 / t["mac_ratio"],
            "shape": f"{t['batch_size']} x {t['seq_len']}",
            "dtype": t["dtype"],
            "hardware": t["hardware"],
        }
        for t in measured.timings
    ]
    return pd.DataFrame(rows, columns=TIMES).sort_values(["shape", "removed"], ignore_index=True)


def side_by_side(
    dense: Mapping[str, Any] | None,
    pruned: Mapping[str, Any] | None,
    timing: Mapping[str, Any] | None,
    metric: str,
) -> pd.DataFrame:
    """Dense next to pruned, a line for each number that is known."""
    rows = []
    if dense and pruned:
        change = 100 * (pruned["score"] - dense["score"])
        rows = [(metric, score(dense["score"]), score(pruned["score"]), f"{change:+.1f} points")]
        if "params" in dense and "params" in pruned:
            rows += [_ratio("Parameters", dense["params"], pruned["params"])]
    if timing:
        shape = f"{timing['batch_size']} x {timing['seq_len']} tokens, {timing['dtype']}"
        dense_ms, pruned_ms = (1e3 * timing[f"{name}_s"] for name in ("dense", "shrunk"))
        faster = f"{timing['speedup']:.2f} times as fast"
        rows.append((f"Milliseconds, {shape}", f"{dense_ms:.1f}", f"{pruned_ms:.1f}", faster))
        reached = percent(timing["speedup"] / timing["mac_ratio"], 0)
        ceiling = f"{timing['mac_ratio']:.2f} times"
        rows.append(("Ceiling: fewer multiply-accumulates", NOTHING, ceiling, f"{reached} reached"))
    return pd.DataFrame(rows, columns=["", "dense", "pruned", "change"])


def _as_trained(status: Status) -> dict[str, Any]:
    return {
        "removed": status.removed_weights_fraction,
        "score": status.score,
        "closed": status.closed_gates_fraction,
        "kind": TRAINED,
        "cut": "as training left the gates",
    }


def _ratio(name: str, dense: float, pruned: float) -> tuple[str, str, str, str]:
    return name, count(dense), count(pruned), f"{percent(pruned / dense - 1)}"
