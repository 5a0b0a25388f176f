"""What was measured of a finished run's cuts, as frames for the Prune page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from app.words import NOTHING, count, metric_name, percent, score, size
from finegates.data.metric_kinds import change_text, is_lower_better
from finegates.gates.cuts import cut_of
from finegates.runs.label_errors import RMSE, RMSE_OF_MEAN, unit_number
from finegates.runs.measurements import AtCut
from finegates.runs.status import Status
from finegates.runs.writing import DECODE, PHASES, phase_shape, writing_rows

SCORES = [
    "removed", "score", "low", "high", "rows", "closed", "params", "mac_ratio", "kind", "cut",
]  # fmt: skip
TIMES = ["removed", "factor", "low", "high", "ceiling", "shape", "dtype", "hardware"]
BUDGET, THRESHOLD, TRAINED = "budget", "threshold", "as trained"
ALL = "all"


@dataclass(frozen=True)
class MeasuredCuts:
    """What is known of a run's cuts.

    Attributes:
        points: At budgets and thresholds, from `finegates.runs.measurements`.
        timings: From `finegates.runs.measurements`.
        status: Where the run stands: what it scored itself.
        here: Of the cut that is looked at.
        partial: Points on a part of the rows, of a curve that grows.
        generations: Of a language model, from `finegates.runs.measurements`.
    """

    points: Sequence[Mapping[str, Any]]
    timings: Sequence[Mapping[str, Any]]
    status: Status
    here: AtCut
    partial: Sequence[Mapping[str, Any]] = ()
    generations: Sequence[Mapping[str, Any]] = ()

    @property
    def metric(self) -> str:
        """What its scores are."""
        return self.status.metric

    @property
    def dense_score(self) -> float | None:
        """With every gate open, if it was scored."""
        return self.here.dense["score"] if self.here.dense else None


def score_frame(measured: MeasuredCuts) -> pd.DataFrame:
    """A row for each point that was scored, fewest weights removed first.

    One on a part of the rows has its interval, ``low`` to ``high``, and says on how many.
    """
    rows = [
        {
            "removed": p["removed_weights_fraction"],
            "score": p["score"],
            "low": p.get("score_low"),
            "high": p.get("score_high"),
            "rows": f"{p['rows']:,} of {p['all_rows']:,}" if "rows" in p else ALL,
            "closed": p.get("closed_gates_fraction"),
            "params": p.get("params"),
            "mac_ratio": p.get("mac_ratio"),
            "kind": BUDGET if p.get("remove") is not None else THRESHOLD,
            "cut": cut.words,
        }
        for p in (*measured.points, *measured.partial)
        if (cut := cut_of(p))
    ]
    if rows and measured.status.score is not None:
        rows.append(_as_trained(measured.status))
    frame = pd.DataFrame(rows, columns=SCORES).sort_values("removed", ignore_index=True)
    frame[["low", "high"]] = frame[["low", "high"]].astype(float)
    return frame


def time_frame(measured: MeasuredCuts) -> pd.DataFrame:
    """A row for each timing: time of the smaller model over that of the dense one.

    Of a language model reading a prompt and writing are two.
    """
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
    rows += [_phase_row(t, phase) for t in measured.generations for phase in PHASES]
    return pd.DataFrame(rows, columns=TIMES).sort_values(["shape", "removed"], ignore_index=True)


def _phase_row(timing: Mapping[str, Any], phase: str) -> dict[str, Any]:
    """A row of `time_frame`."""
    return {
        "removed": timing["removed_weights_fraction"],
        "factor": 1 / timing[f"{phase}_speedup"],
        "low": 1 / timing[f"{phase}_speedup_p90"],
        "high": 1 / timing[f"{phase}_speedup_p10"],
        "ceiling": 1 / timing[f"{phase}_ideal"],
        "shape": f"{PHASES[phase][0].lower()} {phase_shape(timing, phase)}",
        "dtype": timing["dtype"],
        "hardware": timing["hardware"],
    }


def side_by_side(known: AtCut, metric: str) -> pd.DataFrame:
    """Dense next to pruned, a line for each number that is known."""
    rows: list[tuple[str, str, str, str]] = []
    if (dense := known.dense) and (pruned := known.point):
        before, after = dense["score"], pruned["score"]
        change = change_text(before, after, metric)
        if is_lower_better(metric):
            change += f", {after / before:.2f} times dense"
        rows.append((metric_name(metric), score(before, metric), score(after, metric), change))
        rows += _errors(dense.get("metrics"), pruned.get("metrics"))
        if "params" in dense and "params" in pruned:
            rows += [_ratio("Parameters", dense["params"], pruned["params"])]
    if timing := known.timing:
        shape = f"{timing['batch_size']} x {timing['seq_len']} tokens, {timing['dtype']}"
        dense_ms, pruned_ms = (1e3 * timing[f"{name}_s"] for name in ("dense", "shrunk"))
        faster = f"{timing['speedup']:.2f} times as fast"
        rows.append((f"Milliseconds, {shape}", f"{dense_ms:.1f}", f"{pruned_ms:.1f}", faster))
        reached = percent(timing["speedup"] / timing["mac_ratio"], 0)
        ceiling = f"{timing['mac_ratio']:.2f} times"
        rows.append(("Ceiling: fewer multiply-accumulates", NOTHING, ceiling, f"{reached} reached"))
        rows += _int8(timing, metric)
    if known.generation:
        rows += writing_rows(known.generation)
    return pd.DataFrame(rows, columns=["", "dense", "pruned", "change"]).replace("", NOTHING)


def timed_on(timing: Mapping[str, Any]) -> str:
    """Where a timing is from and how steady it was, in words."""
    words = [f"Timed on {timing['hardware']}, {timing['threads']} threads"]
    if timing.get("spread") is not None:
        words.append(
            f"the speed-up of neighbouring passes varied by {percent(timing['spread'], 0)} "
            f"(interquartile range over median; up to {percent(timing['spread_limit'], 0)} is "
            "steady)"
        )
    return f"{'; '.join(words)}."


def facts_of_saved(known: AtCut, removed: float, files: Mapping[str, int], metric: str) -> str:
    """What a saved model is, in one line."""
    words = [f"{percent(removed)} of the weights removed"]
    dense, point, timing = known.dense or {}, known.point or {}, known.timing
    if "params" in point:
        full = f" of {count(dense['params'])}" if "params" in dense else ""
        words.append(f"{count(point['params'])}{full} parameters")
    if "score" in point:
        whole = score(dense["score"], metric) if "score" in dense else ""
        before = f", {whole} with nothing removed" if whole else ""
        words.append(f"{metric_name(metric)} {score(point['score'], metric)}{before}")
    if timing:
        shape = f"{timing['batch_size']} x {timing['seq_len']} tokens"
        steady = ", not steady" if timing.get("busy") else ""
        words.append(f"{timing['speedup']:.2f} times as fast ({shape}, {timing['dtype']}{steady})")
    if writing := known.generation:
        steady = ", not steady" if writing.get("busy") else ""
        words.append(f"decodes {writing['decode_speedup']:.2f} times as fast "
                     f"({phase_shape(writing, DECODE)}, {writing['dtype']}{steady})")  # fmt: skip
    words.append(f"{size(sum(files.values()))} in {len(files)} files")
    return "; ".join(words) + "."


def _as_trained(status: Status) -> dict[str, Any]:
    return {
        "removed": status.removed_weights_fraction,
        "score": status.score,
        "rows": ALL,
        "closed": status.closed_gates_fraction,
        "kind": TRAINED,
        "cut": "as training left the gates",
    }


def _errors(
    dense: Mapping[str, Any] | None, pruned: Mapping[str, Any] | None
) -> list[tuple[str, str, str, str]]:
    """Of a regression the error in the label's own unit, next to its correlation."""
    names = (RMSE, RMSE_OF_MEAN)
    before, after, mean = (dense or {}).get(RMSE), *((pruned or {}).get(name) for name in names)
    if before is None or after is None or mean is None:
        return []
    always = f"always answering the mean: {unit_number(mean)}"
    return [("RMSE", unit_number(before), unit_number(after), always)]


def _int8(timing: Mapping[str, Any], metric: str) -> list[tuple[str, str, str, str]]:
    """Time, file and score by ONNX Runtime, in float32 and in int8, as far as they are known."""
    if "int8_speedup" not in timing:
        return []
    rows: list[tuple[str, str, str, str]] = []
    for kind, words in (("onnx", "ONNX float32"), ("int8", "ONNX int8")):
        dense, pruned = (f"{kind}_{which}" for which in ("dense", "shrunk"))
        before, after = (1e3 * timing[f"{name}_s"] for name in (dense, pruned))
        faster = f"{timing[f'{kind}_speedup']:.2f} times as fast"
        rows.append((f"Milliseconds, {words}", f"{before:.1f}", f"{after:.1f}", faster))
        before, after = (timing[f"{name}_bytes"] for name in (dense, pruned))
        rows.append((f"File, {words}", size(before), size(after), percent(after / before - 1)))
        if f"{dense}_score" in timing:
            before, after = (timing[f"{name}_score"] for name in (dense, pruned))
            change = change_text(before, after, metric)
            name = f"{metric_name(metric)}, {words}"
            rows.append((name, score(before, metric), score(after, metric), change))
    return rows


def _ratio(name: str, dense: float, pruned: float) -> tuple[str, str, str, str]:
    return name, count(dense), count(pruned), f"{percent(pruned / dense - 1)}"
