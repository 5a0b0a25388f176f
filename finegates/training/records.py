"""What a session reports to its run folder: before its first step, at each log and evaluation."""

import math
import time
from collections.abc import Callable

import numpy as np
import psutil
import torch

from finegates.adapters.shears import zero_fraction
from finegates.errors import FineGatesError
from finegates.gates.removal import counted_removal
from finegates.gates.snapshots import Snapshot, is_early_snapshot
from finegates.models.sparse_sizes import returning_params
from finegates.nn.gates import Gates
from finegates.nn.penalty import BudgetPenalty
from finegates.runs.folder import METRICS_FILE
from finegates.runs.journal import Journal, removal_fields
from finegates.runs.predictions import Predictions, read_reference, write_predictions
from finegates.runs.provenance import hardware_of
from finegates.shrinking.cost import (
    num_dense_parameters,
    num_head_parameters,
    num_stream_parameters,
)
from finegates.training.checkpoint import save_checkpoint
from finegates.training.metrics import majority_score, only_answer
from finegates.training.scoring import answer_batches, main_answers, scores_of
from finegates.training.session import LOG_STEPS, Session
from finegates.training.token_loss import all_open

_SMOOTHING = 0.7
_DIVERGED_TIMES = 50.0
_DIVERGED_LOGS = 3


class TrainingDiverged(FineGatesError):
    """The task's loss is no longer a number, or stays far above where it has been."""


class Window:
    """Sums over the steps since the last log, and the rate of rows.

    Args:
        over_processes: Means of several processes' means.

    Attributes:
        rate: Rows a second, smoothed; None before the first log.
        lowest: The lowest mean loss of the task, at least 1.
        num_high: Logs in a row whose loss was far above it.
    """

    def __init__(self, over_processes: Callable[[dict], dict]) -> None:
        self._over_processes = over_processes
        self.lowest, self.num_high = math.inf, 0
        self.sums: dict[str, torch.Tensor] = {}
        self.num_steps = self.num_rows = 0
        self.rate: float | None = None
        self.clock = time.perf_counter()

    def add(self, losses: dict[str, torch.Tensor], num_rows: int) -> None:
        """Counts a step."""
        self.sums = {k: v + self.sums.get(k, 0) for k, v in losses.items()}
        self.num_steps, self.num_rows = self.num_steps + 1, self.num_rows + num_rows

    def take(self) -> dict[str, float]:
        """Means since the last call."""
        own = {k: float(v) / self.num_steps for k, v in self.sums.items()}
        means = self._over_processes(own)
        seconds = time.perf_counter() - self.clock
        latest = self.num_rows / seconds
        self.rate = (
            latest if self.rate is None else _SMOOTHING * self.rate + (1 - _SMOOTHING) * latest
        )
        self.sums, self.num_steps, self.num_rows = {}, 0, 0
        self.restart_clock()
        self.lowest = max(1.0, min(self.lowest, means["task_loss"]))
        high = means["task_loss"] > _DIVERGED_TIMES * self.lowest
        self.num_high = self.num_high + 1 if high else 0
        return means

    def restart_clock(self) -> None:
        """Leaves out the time since the last call, as after an evaluation."""
        self.clock = time.perf_counter()


def announce(journal: Journal, session: Session, step: int, device: str) -> None:
    """Writes what is known before the first step, and that a run goes on after ``step``."""
    if (journal.run.path / METRICS_FILE).exists():
        journal.metrics("resumed", step)
    splits, gates, status = session.splits, session.gates, journal.status
    num_gates = gates.layout.num_gates if gates else 0
    parameters = list(session.model.parameters())
    config = session.accelerator.unwrap_model(session.model).config
    returning = returning_params(session.spec, config.to_dict())
    journal.update(
        state="running",
        step=step,
        total_steps=session.total_steps,
        device=device,
        hardware=hardware_of(str(session.accelerator.device))["hardware"],
        precision="bf16" if session.accelerator.mixed_precision == "bf16" else "fp32",
        metric=splits.metrics[0],
        majority_score=_majority(session) if not splits.is_language else status.majority_score,
        closes_once=session.closes_once,
        num_gates=num_gates,
        num_gated_weights=gates.layout.num_gated_weights if gates else 0,
        dense_params=num_dense_parameters(config, language_model=splits.is_language),
        stream_params=num_stream_parameters(config),
        head_params=num_head_parameters(config),
        total_params=sum(p.numel() for p in parameters) - num_gates - returning,
        trainable_params=sum(p.numel() for p in parameters if p.requires_grad) - returning,
    )
    if not step and gates:
        journal.histograms(current_snapshot(gates, 0))


def _majority(session: Session) -> float:
    """What always answering the most common label scores."""
    splits = session.splits
    sides = (side["label"].to_numpy() for side in (splits.train, splits.validation))
    return majority_score(splits.metrics[0], *sides)


def log(journal: Journal, session: Session, step: int, window: Window) -> None:
    """Writes losses, sparsity and rate since the last log.

    Raises:
        TrainingDiverged: If the loss is not a finite number, or has stayed far above its lowest.
    """
    means = window.take()
    advice = f"since about step {step}; use smaller learning rates, or precision=fp32."
    if not math.isfinite(means["loss"]):
        raise TrainingDiverged(f"The loss is not a finite number {advice}")
    if window.num_high >= _DIVERGED_LOGS:
        raise TrainingDiverged(
            f"The loss diverges: {means['task_loss']:.3g}, over {_DIVERGED_TIMES:g} times its "
            f"lowest, {advice}"
        )
    removed = current_removal(session)
    rows_left = (session.total_steps - step) * session.spec.batch_size
    progress = {"samples_per_s": window.rate, "memory_bytes": _memory_bytes(session)}
    _record_gates(journal, session, step)
    journal.metrics(
        "train",
        step,
        **means,
        **removed,
        **progress,
        expected_removed=_expected_removed(session),
        current_target=session.target_at(step) if session.gates else None,
    )
    journal.update(
        step=step,
        **progress,
        **removed,
        time_left_s=rows_left / window.rate if window.rate else None,
    )


def _record_gates(journal: Journal, session: Session, step: int) -> None:
    """Histograms and snapshots at the logs between evaluations, which store their own."""
    if session.gates is None or session.evaluates_at(step):
        return
    if step % session.histogram_steps == 0:
        journal.histograms(current_snapshot(session.gates, step))
    if is_early_snapshot(step, session.total_steps, LOG_STEPS):
        journal.gates(current_snapshot(session.gates, step), last=False)


def evaluate_and_save(journal: Journal, session: Session, step: int) -> None:
    """Evaluates, stores gates and histograms, and replaces the checkpoint."""
    last = step == session.total_steps
    removed = current_removal(session)
    if session.gates:
        session.processes.check_alike("gates", session.gates.parameter)
    scores, answers = evaluate_rows(session)
    score = scores[session.splits.metrics[0]]
    if session.gates:
        snapshot = current_snapshot(session.gates, step)
        journal.histograms(snapshot)
        journal.gates(snapshot, last=last)
    rounded = session.is_rounded_at(step)
    journal.metrics("eval", step, score=score, metrics=scores, rounded=rounded, **removed)
    if (last or rounded) and session.accelerator.is_main_process:
        was_measured = session.spec.start_from or session.splits.is_language
        reference = read_reference(journal.run.path) if was_measured else None
        write_predictions(journal.run.path, _predictions(session, answers, reference))
    save_checkpoint(journal.run, session, step)
    only = "" if session.splits.is_language else only_answer(answers, session.splits.labels)
    zeros = zero_fraction(session.model)
    journal.update(
        step=step, score=score, metrics=scores, only_answer=only, zero_weights_fraction=zeros,
        **removed,
    )  # fmt: skip


@torch.no_grad()
def _expected_removed(session: Session) -> float | None:
    gates, penalty = session.gates, session.penalty
    if gates is None or gates.settled or not isinstance(penalty, BudgetPenalty):
        return None
    return float(penalty.expected_removal(gates.probability_open()))


def _memory_bytes(session: Session) -> int:
    if session.accelerator.device.type == "cuda":
        return torch.cuda.max_memory_allocated(session.accelerator.device)
    return psutil.Process().memory_info().rss


def evaluate(session: Session) -> dict[str, float]:
    """The task's metrics on the validation rows, gates at their values."""
    return evaluate_rows(session)[0]


def evaluate_rows(session: Session) -> tuple[dict[str, float], np.ndarray]:
    """As `evaluate`; and the answers, classes or numbers, [rows] in the order of the data."""
    answers, true = answer_batches(
        session.model, session.validation, session.accelerator, session.splits, session.label_scale
    )
    own = main_answers(answers)
    in_order = np.empty_like(own)
    in_order[session.validation_order] = own
    return scores_of(answers, true, session.splits), in_order


def measure_reference(journal: Journal, session: Session) -> None:
    """Scores the model that the run starts from, before its first step, and keeps its answers.

    That is, of a language model, also the pretrained one: what it was before is what it is held
    against, with every gate open.
    """
    with all_open(session.gates):
        scores, answers = evaluate_rows(session)
    score = scores[session.splits.metrics[0]]
    if session.accelerator.is_main_process:
        write_predictions(journal.run.path, _predictions(session, None, answers))
    started = session.spec.start_from is not None
    if session.splits.is_language:
        journal.update(majority_score=score, reference_score=score if started else None)
    else:
        journal.update(reference_score=score)


def _predictions(
    session: Session, answers: np.ndarray | None, reference: np.ndarray | None
) -> Predictions:
    return Predictions(session.validation_labels, answers, reference)


def current_snapshot(gates: Gates, step: int) -> Snapshot:
    """The gates as they are now."""
    return Snapshot(step, gates.layout, gates.law, gates.means_array())


def current_removal(session: Session) -> dict[str, float | None]:
    """What the closed gates remove, as metrics and status name it; nothing in a dense method."""
    if session.gates is None:
        return {"closed_gates_fraction": None, "removed_weights_fraction": 0.0}
    fields = removal_fields(session.gates.removal())
    if session.counting is not None:
        closed = session.gates.closed_array()
        counted = counted_removal(session.gates.layout, closed, session.counting)
        fields["counted_removed_fraction"] = counted
    return fields
