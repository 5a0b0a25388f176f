"""The training loop: one for every method.

A step draws all gates, adds the penalty to the task's loss and lets AdamW move gates, head and
biases. A recipe with a budget rounds its gates at last to exactly the budget, and trains head and
biases on with the gates as they are.
"""

import math
import time
from collections.abc import Callable, Iterator

import psutil
import torch

from finegates.accounting import Removal, gates_to_close, removal
from finegates.batches import training_batches
from finegates.checkpoint import load_checkpoint, save_checkpoint, save_trained
from finegates.data import TextSplits
from finegates.errors import FineGatesError
from finegates.journal import Journal, removal_fields
from finegates.metrics import compute_metrics, majority_score
from finegates.penalty import BudgetPenalty
from finegates.session import LOG_STEPS, Session, open_session
from finegates.snapshots import Snapshot

_PAUSE_POLL_S = 0.2

Progress = Callable[[Journal], None]


class TrainingDiverged(FineGatesError):
    """The loss is no longer a number."""


def train(journal: Journal, splits: TextSplits, device: str, progress: Progress) -> None:
    """Trains a run from its checkpoint, or from the start, to its end or until it is stopped.

    Args:
        journal: Writes into the run's folder.
        splits: The run's data.
        device: As torch names it.
        progress: Called after every log.

    Raises:
        FineGatesError: If the model can't be loaded or the loss diverges.
    """
    session = open_session(journal.run.spec, splits, device)
    first_step = load_checkpoint(journal.run, session)
    _announce(journal, session, first_step, device)
    window = _Window(first_step)
    for step, batch in _steps_from(session, first_step):
        if _should_stop(journal):
            save_checkpoint(journal.run, session, step - 1)
            return journal.end("stopped", "Stopped by you.")
        losses = train_step(session, batch, step)
        window.add(losses, len(batch["input_ids"]))
        if step == session.rounding_step:
            round_to_budget(session)
        if step % LOG_STEPS == 0 or step == session.total_steps:
            _log(journal, session, step, window)
            progress(journal)
        if session.evaluates_at(step):
            _evaluate_and_save(journal, session, step)
            window.restart_clock()
    save_trained(journal.run, session)
    journal.end("finished")


def train_step(session: Session, batch: dict, step: int) -> dict[str, torch.Tensor]:
    """One optimizer step; returns its losses as tensors, so that no step waits for the device."""
    spec, gates = session.spec, session.gates
    torch.manual_seed(spec.seed * 1_000_003 + step)
    session.model.train()
    task_loss = session.model(**batch).loss
    penalty = task_loss.new_zeros(())
    if not gates.settled:
        probability_open = gates.law.probability_open(gates.mean)
        penalty = session.penalty(probability_open, session.target_at(step))
    loss = task_loss + spec.penalty_weight * penalty
    session.accelerator.backward(loss)
    if spec.max_grad_norm:
        rest = [
            p for p in session.model.parameters() if p.requires_grad and p is not gates.parameter
        ]
        session.accelerator.clip_grad_norm_(rest, spec.max_grad_norm)
    session.optimizer.step()
    session.schedule.step()
    session.optimizer.zero_grad()
    return {"loss": loss.detach(), "task_loss": task_loss.detach(), "penalty": penalty.detach()}


def round_to_budget(session: Session) -> None:
    """Closes exactly the lowest gates that the budget asks for, and holds all gates from now on."""
    gates = session.gates
    closed = gates_to_close(gates.layout, gates.means_array(), session.spec.target_sparsity)
    gates.close_exactly(closed)


@torch.no_grad()
def evaluate(session: Session) -> dict[str, float]:
    """The task's metrics on the validation rows, gates at their values."""
    session.model.eval()
    outputs, labels = [], []
    for batch in session.validation:
        logits = session.model(**batch).logits
        gathered = session.accelerator.gather_for_metrics((logits, batch["labels"]))
        outputs.append(gathered[0].float().cpu())
        labels.append(gathered[1].cpu())
    logits = torch.cat(outputs)
    regression = session.splits.problem == "regression"
    predictions = logits.squeeze(-1) if regression else logits.argmax(-1)
    return compute_metrics(session.splits.metrics, predictions.numpy(), torch.cat(labels).numpy())


def current_snapshot(session: Session, step: int) -> Snapshot:
    """The gates as they are now."""
    gates = session.gates
    return Snapshot(step, gates.layout, gates.law, gates.means_array())


def current_removal(snapshot: Snapshot) -> Removal:
    """What the closed gates of a snapshot remove."""
    return removal(snapshot.layout, snapshot.values <= 0)


class _Window:
    """Sums over the steps since the last log, and the rate of rows."""

    def __init__(self, step: int) -> None:
        self.sums: dict[str, torch.Tensor] = {}
        self.num_steps = self.num_rows = 0
        self.rate: float | None = None
        self.clock = time.perf_counter()

    def add(self, losses: dict[str, torch.Tensor], num_rows: int) -> None:
        self.sums = {k: v + self.sums.get(k, 0) for k, v in losses.items()}
        self.num_steps, self.num_rows = self.num_steps + 1, self.num_rows + num_rows

    def take(self) -> dict[str, float]:
        """Means since the last call."""
        means = {k: float(v) / self.num_steps for k, v in self.sums.items()}
        seconds = time.perf_counter() - self.clock
        latest = self.num_rows / seconds
        self.rate = latest if self.rate is None else 0.7 * self.rate + 0.3 * latest
        self.sums, self.num_steps, self.num_rows = {}, 0, 0
        self.restart_clock()
        return means

    def restart_clock(self) -> None:
        self.clock = time.perf_counter()


def _steps_from(session: Session, done: int) -> Iterator[tuple[int, dict]]:
    """Step number (from 1) and batch, after the steps that are done."""
    first_epoch, skip = divmod(done, session.steps_per_epoch)
    step = done
    for epoch in range(first_epoch, session.spec.epochs):
        loader = training_batches(
            session.train_rows, session.tokenizer, session.spec.batch_size, session.spec.seed, epoch
        )
        loader = session.accelerator.prepare_data_loader(loader)
        if epoch == first_epoch and skip:
            loader = session.accelerator.skip_first_batches(loader, skip)
        for batch in loader:
            step += 1
            yield step, batch


def _announce(journal: Journal, session: Session, step: int, device: str) -> None:
    if step:
        journal.metrics("resumed", step)
    splits, gates = session.splits, session.gates
    parameters = list(session.model.parameters())
    labels = (splits.train["label"].to_numpy(), splits.validation["label"].to_numpy())
    journal.update(
        state="running",
        step=step,
        total_steps=session.total_steps,
        device=device,
        precision="bf16" if session.accelerator.mixed_precision == "bf16" else "fp32",
        metric=splits.metrics[0],
        majority_score=majority_score(splits.metrics[0], *labels),
        num_gates=gates.layout.num_gates,
        num_gated_weights=gates.layout.num_gated_weights,
        total_params=sum(p.numel() for p in parameters) - gates.layout.num_gates,
        trainable_params=sum(p.numel() for p in parameters if p.requires_grad),
    )
    if not step:
        journal.histograms(current_snapshot(session, 0))


def _should_stop(journal: Journal) -> bool:
    """Whether to stop before the next step; waits while a pause is asked for."""
    if journal.pause_requested():
        journal.update(state="paused", time_left_s=None)
        while journal.pause_requested():
            journal.beat()
            time.sleep(_PAUSE_POLL_S)
        journal.update(state="running")
    return journal.stop_requested()


def _log(journal: Journal, session: Session, step: int, window: _Window) -> None:
    means = window.take()
    if not math.isfinite(means["loss"]):
        raise TrainingDiverged(
            f"The loss is not a finite number since about step {step}; use smaller learning rates, "
            "or precision=fp32."
        )
    snapshot = current_snapshot(session, step)
    removed = removal_fields(current_removal(snapshot))
    rows_left = (session.total_steps - step) * session.spec.batch_size
    progress = {"samples_per_s": window.rate, "memory_bytes": _memory_bytes(session)}
    if step % session.histogram_steps == 0 and not session.evaluates_at(step):
        journal.histograms(snapshot)
    journal.metrics(
        "train",
        step,
        **means,
        **removed,
        **progress,
        expected_removed=_expected_removed(session),
        current_target=session.target_at(step),
    )
    journal.update(
        step=step,
        **progress,
        **removed,
        time_left_s=rows_left / window.rate if window.rate else None,
    )


def _evaluate_and_save(journal: Journal, session: Session, step: int) -> None:
    last = step == session.total_steps
    snapshot = current_snapshot(session, step)
    removed = removal_fields(current_removal(snapshot))
    scores = evaluate(session)
    score = scores[session.splits.metrics[0]]
    journal.histograms(snapshot)
    journal.gates(snapshot, last=last)
    journal.metrics(
        "eval", step, score=score, metrics=scores, rounded=session.gates.settled, **removed
    )
    save_checkpoint(journal.run, session, step)
    journal.update(step=step, score=score, metrics=scores, **removed)


@torch.no_grad()
def _expected_removed(session: Session) -> float | None:
    if not isinstance(session.penalty, BudgetPenalty) or session.gates.settled:
        return None
    return float(
        session.penalty.expected_removal(session.gates.law.probability_open(session.gates.mean))
    )


def _memory_bytes(session: Session) -> int:
    if session.accelerator.device.type == "cuda":
        return torch.cuda.max_memory_allocated(session.accelerator.device)
    return psutil.Process().memory_info().rss
