"""Self-distillation: a gated model imitates a dense one that was fine-tuned on the same rows.

The teacher reads every training row once, before the first step; its outputs travel with the rows.
Source: Hinton et al. 2015 (arXiv 1503.02531); for pruning, CoFi (arXiv 2204.00408).
"""

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel

from finegates.errors import DataError, ModelError
from finegates.runs.folder import open_run
from finegates.spec import RunSpec
from finegates.training.batches import batches_in_order, on_device
from finegates.training.restore import restore_model, restore_session
from finegates.training.session import Session, evaluation_batch_size


def teacher_outputs(spec: RunSpec, fingerprint: str, runs_dir: Path, device: str) -> Tensor:
    """What the teacher says of each training row.

    Args:
        spec: Names the teacher, a run in the same runs folder.
        fingerprint: Of the data of the run that is to be trained.
        runs_dir: Folder of all runs.
        device: As torch names it.

    Returns:
        Logits in the order of the training rows, shape ``(rows, classes)``, on the CPU.

    Raises:
        RunError: If there is no such run, or it is not finished.
        DataError: If it was trained on other rows.
    """
    run = open_run(runs_dir, str(spec.teacher))
    if run.record["data"].get("fingerprint") != fingerprint:
        raise DataError(
            f"The teacher {run.id} was trained on other rows; name a run on the same task with the "
            "same max_train_samples and hold_out_fraction."
        )
    return outputs_of(restore_session(run, device))


@torch.no_grad()
def outputs_of(session: Session) -> Tensor:
    """What a session's model says of each training row, as `teacher_outputs` has it.

    A regression's answers are in the label's unit, whatever the session is trained on.
    """
    model = session.accelerator.unwrap_model(session.model).eval()
    size = evaluation_batch_size(session.spec)
    batches = batches_in_order(session.train_rows, session.tokenizer, size)
    outputs = [model(**batch) for batch in on_device(batches, session.accelerator.device)]
    logits = torch.cat([output.logits.float().cpu() for output in outputs])
    if session.label_scale is None:
        return logits
    return torch.from_numpy(session.label_scale.restored(logits.numpy()))


def distillation_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """How far a student's outputs are from its teacher's.

    Args:
        student: Logits, shape ``(rows, classes)``; one column for a regression.
        teacher: The same of the teacher.
        temperature: Softens both; the loss is scaled by its square, as its gradient is by the
            inverse.

    Returns:
        Kullback-Leibler divergence of the classes, or the mean squared difference of a number.
    """
    if student.shape[-1] == 1:
        return functional.mse_loss(student.float(), teacher.float())
    student_log = functional.log_softmax(student.float() / temperature, -1)
    teacher_log = functional.log_softmax(teacher.float() / temperature, -1)
    divergence = functional.kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
    return divergence * temperature**2


def hidden_teacher(
    session: Session, start: Mapping[str, Tensor] | None, runs_dir: Path
) -> PreTrainedModel:
    """The teacher as a frozen model of its own, on the session's device.

    Args:
        session: Of the student, whose spec names the teacher.
        start: State of the model that the student starts from, where that is the teacher; else the
            teacher is a finished run.
        runs_dir: Folder of all runs.

    Raises:
        FineGatesError: If the run is gone or not finished, or its hidden states are others.
    """
    student = session.accelerator.unwrap_model(session.model)
    if session.spec.imitates_start and start is not None:
        teacher = type(student)(copy.deepcopy(student.config))
        teacher.load_state_dict(start)
    else:
        run = open_run(runs_dir, str(session.spec.teacher))
        teacher, _ = restore_model(run)
        _check_same_states(run.id, teacher.config, student.config)
    return teacher.requires_grad_(False).eval().to(session.accelerator.device)


def _check_same_states(name: str, teacher: PretrainedConfig, student: PretrainedConfig) -> None:
    shapes = [(c.num_hidden_layers, c.hidden_size) for c in (teacher, student)]
    if shapes[0] != shapes[1]:
        raise ModelError(
            f"The teacher {name} has {shapes[0][0]} layers of width {shapes[0][1]} and this model "
            f"{shapes[1][0]} of {shapes[1][1]}, so its hidden states can't be imitated; set "
            "hidden_distillation_weight to 0, or name a teacher of the same shape."
        )


def blended_loss(spec: RunSpec, task_loss: Tensor, logits: Tensor, teacher: Tensor) -> Tensor:
    """The task's loss and the imitation, in the spec's shares."""
    imitation = distillation_loss(logits, teacher, spec.distillation_temperature)
    return torch.lerp(task_loss.float(), imitation, spec.distillation_weight)
