"""Run folders as a worker would leave them, made in milliseconds with the library's own writers."""

import os
import shlex
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from finegates.files.storage import append_line, write_json
from finegates.gates.laws import GaussianLaw
from finegates.gates.layout import GateLayout
from finegates.gates.removal import gates_to_close, histogram, removal
from finegates.gates.snapshots import Snapshot, save_snapshot
from finegates.gates.units import AUTO
from finegates.groups.store import Cell, Group, create_group, save_group
from finegates.groups.sweep import plan, sweep_command
from finegates.methods import METHODS
from finegates.models.architectures import layout_of_config
from finegates.runs.folder import (
    CURVE_FILE,
    HISTOGRAMS_FILE,
    LOG_FILE,
    METRICS_FILE,
    Run,
    create_run,
)
from finegates.runs.status import PAUSE_FILE, STOP_FILE, Status, write_status
from finegates.spec import make_spec

LAW = GaussianLaw()
CURVE_REMOVALS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
ROWS = 2000
DATA: dict[str, Any] = {
    "source": "sample",
    "fingerprint": "0" * 64,
    "problem": "classification",
    "labels": ["unacceptable", "acceptable"],
    "metrics": ["accuracy", "macro_f1"],
    "num_train": ROWS,
    "num_validation": 400,
}


@dataclass(frozen=True)
class Size:
    """Shape of the pretended model; the default is MiniLM-L6."""

    layers: int = 6
    hidden: int = 384
    ffn: int = 1536
    heads: int = 12
    key_value_heads: int | None = None
    model_type: str = "bert"


MINILM = Size()
TINY = Size(layers=2, hidden=16, ffn=32, heads=2)
BERT_BASE = Size(layers=12, hidden=768, ffn=3072, heads=12)
LLAMA = Size(layers=12, hidden=48, ffn=96, heads=4, key_value_heads=2, model_type="llama")


def make_layout(size: Size, units: tuple[str, ...] = (AUTO,)) -> GateLayout:
    """The default gates of a model of this type and shape, or these units."""
    config = {
        "model_type": size.model_type, "num_hidden_layers": size.layers,
        "hidden_size": size.hidden, "intermediate_size": size.ffn,
        "num_attention_heads": size.heads, "num_key_value_heads": size.key_value_heads,
    }  # fmt: skip
    return layout_of_config(config, units=units)


def make_run(
    runs_dir: Path,
    state: str = "finished",
    *,
    size: Size = TINY,
    progress: float = 1.0,
    total_steps: int = 190,
    score: float = 0.86,
    pid: int | None = None,
    reason: str = "",
    age_s: float = 0.0,
    fingerprint: str = DATA["fingerprint"],
    **settings: Any,
) -> Run:
    """A run folder in any state, its rows and snapshots up to ``progress`` of the training."""
    spec = make_spec({"method": "finegates", **settings})
    run = create_run(spec, DATA | {"source": spec.task, "fingerprint": fingerprint}, runs_dir)
    if state == "queued":
        return run
    layout, done = make_layout(size, spec.gate_units), round(progress * total_steps)
    gated = METHODS[spec.method].removes
    train = partial(_train, run, size) if gated else partial(_train_dense, run, layout)
    rows = list(train(total_steps, done, score))
    now = time.time() - age_s
    last = next((row for row in reversed(rows) if row["kind"] == "eval"), {})
    live = state in ("starting", "running", "paused", "stopping")
    process = psutil.Process(pid or os.getpid())
    status = Status(
        state="running" if state == "stopping" else state,
        reason=reason,
        step=done,
        total_steps=total_steps,
        host=socket.gethostname(),
        pid=process.pid,
        process_created=process.create_time(),
        heartbeat=now,
        started=now - 60,
        ended=None if live else now,
        device="cpu",
        precision="fp32",
        metric="accuracy",
        score=last.get("score"),
        metrics=last.get("metrics", {}),
        majority_score=0.5,
        closed_gates_fraction=last.get("closed_gates_fraction"),
        removed_weights_fraction=last.get("removed_weights_fraction"),
        num_gates=layout.num_gates if gated else 0,
        num_gated_weights=layout.num_gated_weights if gated else 0,
        total_params=22_713_216,
        trainable_params=layout.num_gates + 15_000 if gated else 400_000,
        samples_per_s=212.0,
        time_left_s=(total_steps - done) * 0.15 if live else None,
        memory_bytes=1_320_000_000,
    )
    write_status(run.path, status)
    if state in ("stopping", "paused"):
        (run.path / {"stopping": STOP_FILE, "paused": PAUSE_FILE}[state]).touch()
    (run.path / LOG_FILE).write_text(
        "".join(f"step {r['step']}: {r['kind']}\n" for r in rows[-40:]) or "loading the model\n"
    )
    return run


def make_curve(run: Run, removals: Sequence[float] = CURVE_REMOVALS, drop: float = 0.12) -> None:
    """The cheap curve of a finished run: its gates rounded to each budget."""
    status = run.status()
    points = [
        {
            "remove": remove,
            "score": float(status.score) - drop * remove - 2 * drop * remove**3,
            "metrics": {},
            "removed_weights_fraction": remove,
            "closed_gates_fraction": remove / 2,
            "reopened_gates": 0,
        }
        for remove in removals
    ]
    write_json(run.path / CURVE_FILE, {"format_version": 1, "points": points})


def make_group(
    runs_dir: Path,
    name: str,
    methods: Sequence[str],
    targets: Sequence[float] = (0.0, 0.2, 0.4),
    seeds: Sequence[int] = (0, 1),
    state: Callable[[Cell], str | None] = lambda cell: "finished",
    score: Callable[[Cell], float] = lambda cell: 0.86 - 0.1 * cell.target**2,
    pid: int | None = None,
    **settings: Any,
) -> Group:
    """A group as a sweep leaves it: a run in this state for each cell, none where it is None."""
    cells = plan(methods, targets, seeds)
    command = shlex.join(sweep_command(name, settings, cells))
    group = create_group(runs_dir, name, settings, cells, command)
    for cell in cells:
        if (what := state(cell)) is None:
            continue
        progress = {"finished": 1.0, "queued": 0.0, "starting": 0.0}.get(what, 0.5)
        run = make_run(
            runs_dir, what, progress=progress, score=score(cell), method=cell.method,
            target_sparsity=cell.target, seed=cell.seed, pid=pid,
            reason="The disk is full." if what == "failed" else "", **settings,
        )  # fmt: skip
        group = group.with_run(cell, run.id)
    save_group(group)
    return group


def grow(run: Run, size: Size, total_steps: int, start: int, end: int, score: float = 0.86) -> None:
    """Goes on with a pretended run that `make_run` left at ``start``."""
    list(_train(run, size, total_steps, end, score, skip=start))
    write_status(run.path, replace(run.status(), step=end, heartbeat=time.time()))


@dataclass(frozen=True)
class _Logged:
    """One logged step of a pretended training, and its evaluation if there is one."""

    train: dict[str, Any]
    counts: dict[str, list[int]]
    evaluation: dict[str, Any] | None
    means: np.ndarray


def _train(
    run: Run, size: Size, total: int, done: int, score: float, skip: int = 0
) -> Iterator[dict[str, Any]]:
    spec = run.spec
    layout = make_layout(size, spec.gate_units)
    logged = _pretended(size, spec.gate_units, spec.seed, spec.target_sparsity, total, done, score)
    for step in (one for one in logged if one.train["step"] > skip):
        now, number = {"time": time.time()}, step.train["step"]
        append_line(run.path / METRICS_FILE, step.train | now)
        yield step.train | now
        append_line(run.path / HISTOGRAMS_FILE, {"step": number, "counts": step.counts})
        if step.evaluation:
            append_line(run.path / METRICS_FILE, step.evaluation | now)
            snapshot = Snapshot(number, layout, LAW, step.means)
            save_snapshot(run.path / "gates", snapshot, full_precision=number == total)
            yield step.evaluation | now


@cache
def _pretended(
    size: Size,
    units: tuple[str, ...],
    seed: int,
    target: float,
    total: int,
    done: int,
    score: float,
) -> list[_Logged]:
    """Kept: most tests show the same few runs, and their histograms take longest."""
    layout, rng = make_layout(size, units), np.random.default_rng(seed)
    fate, depth = rng.normal(0, 1, layout.num_gates), _depth_bias(layout, rng)
    order = fate + depth
    doomed = gates_to_close(layout, order, target) if target else np.zeros(order.shape, bool)
    steps, found = _logged_steps(total, done), []
    for place, step in enumerate(steps):
        means = _means(order, doomed, step / total)
        values = LAW.value(means)
        removed = removal(layout, values <= 0)
        train = _train_row(step, total, target, removed, rng, score)
        counts = {v.name: histogram(values[v.slice]) for v in layout.vectors}
        evaluation = None
        if place % 10 == 9 or step == done:
            now = _score_at(step / total, score, removed.removed_weights_fraction, rng)
            evaluation = {
                **_evaluation_row(step, now), "rounded": step / total > 0.7,
                "closed_gates_fraction": removed.closed_gates_fraction,
                "removed_weights_fraction": removed.removed_weights_fraction,
            }  # fmt: skip
        found.append(_Logged(train, counts, evaluation, means))
    return found


def _logged_steps(total: int, done: int) -> list[int]:
    return sorted({*range(1, done + 1, max(1, total // 60)), *([done] if done else [])})


def _evaluation_row(step: int, score: float) -> dict[str, Any]:
    metrics = {"accuracy": score, "macro_f1": score - 0.004}
    return {"kind": "eval", "step": step, "score": score, "metrics": metrics}


def _train_dense(
    run: Run, layout: GateLayout, total: int, done: int, score: float
) -> Iterator[dict[str, Any]]:
    """As `_train`, of a run without gates: no histograms, no snapshots."""
    rng = np.random.default_rng(run.spec.seed)
    nothing = removal(layout, np.zeros(layout.num_gates, bool))
    no_gates = {"closed_gates_fraction": None, "removed_weights_fraction": 0.0}
    for place, step in enumerate(_logged_steps(total, done)):
        train = _train_row(step, total, 0.0, nothing, rng, score) | no_gates
        row = train | {"time": time.time(), "expected_removed": None, "current_target": None}
        append_line(run.path / METRICS_FILE, row)
        yield row
        if place % 10 == 9 or step == done:
            now = _score_at(step / total, score, 0.0, rng)
            row = {**_evaluation_row(step, now), "time": time.time(), "rounded": False, **no_gates}
            append_line(run.path / METRICS_FILE, row)
            yield row


def _depth_bias(layout: GateLayout, rng: np.random.Generator) -> np.ndarray:
    """Later layers, and inputs of the feed-forward, close earlier; vectors differ."""
    bias = np.zeros(layout.num_gates)
    for vector in layout.vectors:
        role = {"q": -0.3, "k": -0.4, "v": 0.5, "o": 0.3, "intermediate": 0.2, "output": 0.0}
        bias[vector.slice] = (
            role.get(vector.kind, 0.0) - 0.5 * vector.layer / max(layout.num_layers - 1, 1)
        ) + rng.normal(0, 0.25)
    return bias


def _means(order: np.ndarray, doomed: np.ndarray, at: float) -> np.ndarray:
    """Doomed gates sink one after the other, the others stay near fully open."""
    rank = np.argsort(np.argsort(order)) / max(len(order), 1)
    share = max(doomed.mean(), 1e-9)
    sink = np.clip((at / 0.7 - 0.75 * rank / share) / 0.25, 0, 1)
    kept = 0.5 - 0.35 * at * np.clip(share * 1.6 - rank, 0, None) / share
    return np.where(doomed, 0.5 - 1.05 * sink, kept).astype(np.float32)


def _train_row(step, total, target, removed, rng, score) -> dict[str, Any]:
    at = step / total
    loss = 0.25 + 0.46 * np.exp(-4 * at) + rng.normal(0, 0.04) + (0.86 - score)
    current = target * min(1.0, at / 0.3)
    gap = current - removed.removed_weights_fraction
    return {
        "kind": "train",
        "step": step,
        "loss": float(loss + abs(gap)),
        "task_loss": float(loss),
        "penalty": float(abs(gap)),
        "expected_removed": float(current - gap * 0.3 + rng.normal(0, 0.003)),
        "current_target": float(current),
        "closed_gates_fraction": removed.closed_gates_fraction,
        "removed_weights_fraction": removed.removed_weights_fraction,
        "samples_per_s": float(212 + rng.normal(0, 5)),
        "memory_bytes": 1_320_000_000,
    }


def _score_at(at: float, score: float, removed: float, rng: np.random.Generator) -> float:
    value = score - (score - 0.5) * np.exp(-5 * at) - 0.04 * removed + rng.normal(0, 0.006)
    return float(np.clip(value, 0, 1))
