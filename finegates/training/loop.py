"""The training loop: one for every method.

A step draws all gates, adds the penalty to the task's loss and lets AdamW move gates, head and
biases. A recipe with a budget rounds its gates at last to exactly the budget, and trains head and
biases on with the gates as they are.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from finegates.adapters import Moment
from finegates.data.splits import TextSplits
from finegates.gates.removal import gates_to_close
from finegates.models.record import BASE_MODEL
from finegates.nn.magnitude import order_by
from finegates.nn.penalty import BudgetPenalty
from finegates.runs.journal import Journal
from finegates.runs.layer_times import read_layer_times
from finegates.training.batches import TEACHER_KEY, training_batches
from finegates.training.budget import noise_seed
from finegates.training.checkpoint import (
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
    save_trained,
)
from finegates.training.distillation import (
    blended_loss,
    hidden_teacher,
    outputs_of,
    teacher_outputs,
)
from finegates.training.orders import scores_to_close_by
from finegates.training.records import (
    Window,
    announce,
    evaluate_and_save,
    log,
    measure_reference,
)
from finegates.training.session import (
    LOG_STEPS,
    Session,
    looked_at,
    open_session,
    standardised,
)
from finegates.training.start import start_state
from finegates.training.token_loss import language_losses

_PAUSE_POLL_S = 0.2
_BETWEEN_PROCESSES = 1 << 54
"""Between the seeds of two processes: above every seed of a single one."""

Progress = Callable[[Journal], None]


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
    session = _taught_session(journal, splits, device)
    first_step = load_checkpoint(journal.run, session)
    announce(journal, session, first_step, device)
    if not first_step:
        session.hooks.before_training(looked_at(session))
        if journal.run.spec.start_from or session.splits.is_language:
            measure_reference(journal, session)
    window = Window(session.processes.mean)
    for step, batch in steps_from(session, first_step):
        if session.processes.main_decides(lambda: _should_stop(journal)):
            save_checkpoint(journal.run, session, step - 1)
            return journal.end_as_asked(step - 1)
        losses = train_step(session, batch, step)
        window.add(losses, len(batch["input_ids"]) * session.processes.count)
        if step == session.rounding_step:
            round_to_budget(session)
        if step % LOG_STEPS == 0 or step == session.total_steps:
            log(journal, session, step, window)
            progress(journal)
        if session.evaluates_at(step):
            evaluate_and_save(journal, session, step)
            window.restart_clock()
    save_trained(journal.run, session)
    journal.end("finished")


def train_step(session: Session, batch: dict, step: int) -> dict[str, torch.Tensor]:
    """One optimizer step; returns its losses as tensors, so that no step waits for the device."""
    spec, gates, hooks, moment = session.spec, session.gates, session.hooks, session.moment(step)
    _seed_noise(session, step)
    session.model.train()
    hooks.before_step(moment, session.optimizer)
    task_loss, loss = _losses(session, batch, moment)
    penalty = task_loss.new_zeros(())
    penalised = gates is not None and not gates.settled and session.penalises_at(step)
    if gates is not None and session.penalty is not None and penalised:
        penalty = session.penalty(gates.probability_open(), session.target_at(step))
        loss = loss + spec.penalty_weight * penalty
    session.accelerator.backward(loss)
    if spec.max_grad_norm:
        session.accelerator.clip_grad_norm_(_clipped(session), spec.max_grad_norm)
    if isinstance(session.penalty, BudgetPenalty):
        session.penalty.climb()
    hooks.after_backward(moment)
    session.optimizer.step()
    hooks.after_step(moment)
    session.schedule.step()
    session.optimizer.zero_grad()
    return {"loss": loss.detach(), "task_loss": task_loss.detach(), "penalty": penalty.detach()}


def _losses(session: Session, batch: dict, moment: Moment) -> tuple[torch.Tensor, torch.Tensor]:
    """The task's loss, and what is trained on but for the penalty: with what is imitated."""
    spec, hooks = session.spec, session.hooks
    batch = standardised(session, batch)
    teacher = batch.pop(TEACHER_KEY, None)
    output: Any
    if session.splits.is_language:
        task_loss, loss, output = language_losses(
            spec, session.model, batch, session.processes, session.language_teacher
        )
    else:
        imitates_states = session.hidden_teacher is not None
        output = session.model(**batch, output_hidden_states=imitates_states)
        task_loss = loss = output.loss
        if teacher is not None:
            loss = blended_loss(spec, task_loss, output.logits, teacher)
        if imitates_states:
            loss = loss + spec.hidden_distillation_weight * _hidden_loss(
                session, batch, output.hidden_states
            )
    if hooks.reads_twice:
        loss = loss + hooks.agreement(output.logits, session.model(**batch).logits)
    extra = hooks.extra_loss(moment, batch, output)
    return task_loss, loss if extra is None else loss + extra


def _hidden_loss(session: Session, batch: dict, states: Sequence[torch.Tensor]) -> torch.Tensor:
    """How far the hidden states of a batch are from the teacher's."""
    assert session.hidden_teacher is not None
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    with torch.no_grad(), session.accelerator.autocast():
        taught = session.hidden_teacher(**inputs, output_hidden_states=True)
    return session.hooks.hidden_loss(states, taught.hidden_states, batch.get("attention_mask"))


def _seed_noise(session: Session, step: int) -> None:
    """Gates are drawn alike in all processes, dropout is not: each has other rows."""
    seed = noise_seed(session.spec.seed, step)
    gates, processes = session.gates, session.processes
    if gates is not None and gates.generator is not None:
        gates.generator.manual_seed(seed)
    own = (1 + processes.index) * _BETWEEN_PROCESSES if processes.count > 1 else 0
    torch.manual_seed(seed + own)


def round_to_budget(session: Session) -> None:
    """Closes exactly the lowest gates that the budget asks for, and holds all gates from now on."""
    gates = session.gates
    assert gates is not None
    scores = scores_to_close_by(session)
    if scores is not None:
        order_by(gates, scores)
    target, means = session.spec.target_sparsity, gates.means_array()
    closed = gates_to_close(gates.layout, means, target, session.counting)
    gates.close_exactly(closed)


def _clipped(session: Session) -> list[nn.Parameter]:
    """Parameters whose gradient is clipped: all but the gates, which the penalty drives."""
    gates = session.gates
    own = None if gates is None else gates.parameter
    return [p for p in session.model.parameters() if p.requires_grad and p is not own]


def _taught_session(journal: Journal, splits: TextSplits, device: str) -> Session:
    """A session whose training rows carry what the teacher says of them, if there is a teacher."""
    spec, base_model = journal.run.spec, journal.run.record["data"].get(BASE_MODEL)
    begins, runs_dir = not has_checkpoint(journal.run), journal.run.path.parent
    outputs = start = None
    if spec.imitates_run:
        outputs = teacher_outputs(spec, splits.fingerprint, runs_dir, device)
    reads_start = begins or spec.imitates_start or spec.kurtosis_weighting
    if spec.start_from is not None and reads_start:
        start = start_state(spec, splits, runs_dir, base_model)
    session = open_session(
        spec, splits, device, base_model, begins=begins, start=start,
        times=read_layer_times(journal.run.path),
    )  # fmt: skip
    if spec.imitates_start and not splits.is_language:
        outputs = outputs_of(session)
    if spec.hidden_distillation_weight:
        session.hidden_teacher = hidden_teacher(session, start, runs_dir)
    if outputs is None:
        return session
    teach(session, outputs)
    return session


def teach(session: Session, outputs: torch.Tensor) -> None:
    """Lets the training rows carry what the teacher says of them, logits in the rows' order."""
    for row, output in zip(session.train_rows, outputs.tolist(), strict=True):
        row[TEACHER_KEY] = output


def steps_from(session: Session, done: int) -> Iterator[tuple[int, dict]]:
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


def _should_stop(journal: Journal) -> bool:
    """Whether to stop before the next step; waits while a pause is asked for."""
    if journal.pause_requested():
        journal.update(state="paused", time_left_s=None)
        while journal.pause_requested():
            journal.beat()
            time.sleep(_PAUSE_POLL_S)
        journal.update(state="running")
    return journal.stop_requested()
