"""Checkpoints: what resuming needs, and no base weights.

A step's noise is seeded by (seed, step) and an epoch's order by (seed, epoch), so the state is the
trained parameters, the optimizer and the step, and a resumed run equals an uninterrupted one.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

# Only the name of its error: `torch.load` takes tensors alone here.
from pickle import UnpicklingError  # nosec B403

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from finegates.errors import RunError, first_line
from finegates.files.storage import read_json, write_json
from finegates.nn.attach import GATES_NAME
from finegates.nn.penalty import BudgetPenalty
from finegates.runs.folder import CHECKPOINT_FOLDER, TRAINED_FOLDER, Run
from finegates.training.adapt import Adapted
from finegates.training.label_scale import LabelScale
from finegates.training.session import Session

_UNUSABLE = (
    OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError, UnpicklingError,
)  # fmt: skip
_STATE_FILE = "state.json"
_OPTIMIZER_FILE = "optimizer.pt"
_TRAINED_FILE = "trained.safetensors"
_MULTIPLIER = "penalty.multiplier"
_GATES_TENSOR = f"{GATES_NAME}.parameter"
_LABEL_SCALE = "label_scale"


def save_checkpoint(run: Run, session: Session, step: int) -> None:
    """Replaces the checkpoint. A crash leaves the old or the new one, never a part.

    Here as in `save_trained`, only the main process of several writes.
    """
    if not session.accelerator.is_main_process:
        return
    partial = run.path / f".{CHECKPOINT_FOLDER}.part"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        _write_checkpoint(partial, session, step)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)  # a full disk needs the space
        raise
    _replace_folder(partial, run.path / CHECKPOINT_FOLDER)


def _write_checkpoint(folder: Path, session: Session, step: int) -> None:
    save_file(_contiguous(_state(session)), folder / _TRAINED_FILE)
    torch.save(
        {"optimizer": session.optimizer.state_dict(), "schedule": session.schedule.state_dict()},
        folder / _OPTIMIZER_FILE,
    )
    settled = session.gates is not None and session.gates.settled
    scale = session.label_scale and asdict(session.label_scale)
    write_json(folder / _STATE_FILE, {"step": step, "settled": settled, _LABEL_SCALE: scale})


def has_checkpoint(run: Run) -> bool:
    """Whether there is a checkpoint that a training can go on from."""
    return _checkpoint_folder(run) is not None


def load_checkpoint(run: Run, session: Session) -> int:
    """Puts the session where the checkpoint was and returns its step; 0 if there is none.

    Raises:
        RunError: If the checkpoint is damaged or of another model.
    """
    folder = _checkpoint_folder(run)
    if folder is None:
        return 0
    try:
        state = read_json(folder / _STATE_FILE)
        tensors = load_file(folder / _TRAINED_FILE)
        saved = torch.load(folder / _OPTIMIZER_FILE, map_location="cpu", weights_only=True)
        model = session.accelerator.unwrap_model(session.model)
        _put_back(model, tensors, _own_tensors(model, session.adapted))
        if isinstance(session.penalty, BudgetPenalty):
            session.penalty.multiplier.copy_(tensors[_MULTIPLIER])
        session.optimizer.load_state_dict(saved["optimizer"])
        session.schedule.load_state_dict(saved["schedule"])
        # A checkpoint from before labels were standardised goes on in the label's unit.
        scale = state.get(_LABEL_SCALE)
        session.label_scale = None if scale is None else LabelScale(**scale)
    except _UNUSABLE as error:
        what = first_line(error)
        raise RunError(f"The checkpoint of {run.id} can't be used: {what}") from error
    if session.gates is not None:
        session.gates.settled = state["settled"]
    return int(state["step"])


def save_trained(run: Run, session: Session) -> None:
    """Stores the model's own tensors other than the gates, which the last snapshot holds.

    A regression's head is stored so that the model answers in the label's own unit.
    """
    if not session.accelerator.is_main_process:
        return
    partial = run.path / f".{TRAINED_FOLDER}.part"
    partial.mkdir(exist_ok=True)
    state = {name: t for name, t in _tensors_of(session).items() if name != _GATES_TENSOR}
    if session.label_scale is not None:
        state |= session.label_scale.folded(session.accelerator.unwrap_model(session.model))
    save_file(_contiguous(state), partial / _TRAINED_FILE)
    _replace_folder(partial, run.path / TRAINED_FOLDER)


def load_trained(run: Run, model: PreTrainedModel, adapted: Adapted) -> None:
    """Puts a finished run's weights and last gates into a model that was adapted by its spec.

    Raises:
        RunError: If they are missing or damaged.
    """
    path = run.path / TRAINED_FOLDER / _TRAINED_FILE
    if not path.is_file():
        raise RunError(
            f"{run.id} is a curve only: its folder has settings, scores and curve, but no trained "
            "weights. Train it again to use its model; 'runs show' prints its command."
        )
    try:
        names = _own_tensors(model, adapted).keys() - {_GATES_TENSOR}
        _put_back(model, load_file(path), names)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise RunError(f"The trained weights of {run.id} can't be used: {error}.") from error
    if adapted.gates is not None:
        adapted.gates.set_means(run.snapshot().means)
        adapted.gates.settled = True


def _state(session: Session) -> dict[str, torch.Tensor]:
    state = {name: tensor.detach() for name, tensor in _tensors_of(session).items()}
    if isinstance(session.penalty, BudgetPenalty):
        state[_MULTIPLIER] = session.penalty.multiplier
    return state


def _tensors_of(session: Session) -> dict[str, torch.Tensor]:
    return _own_tensors(session.accelerator.unwrap_model(session.model), session.adapted)


def _own_tensors(model: PreTrainedModel, adapted: Adapted) -> dict[str, torch.Tensor]:
    own = set(adapted.own_names)
    return {n: t for n, t in model.state_dict(keep_vars=True).items() if n in own}


def _put_back(
    model: PreTrainedModel, tensors: Mapping[str, torch.Tensor], names: Iterable[str]
) -> None:
    """Loads the named tensors into a model; each layer knows how its own were stored."""
    model.load_state_dict({name: tensors[name] for name in names}, strict=False)


def _contiguous(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.contiguous() for name, value in state.items()}


def _checkpoint_folder(run: Run) -> Path | None:
    """The checkpoint; the one set aside if a crash came between the two renames."""
    folder = run.path / CHECKPOINT_FOLDER
    return next((f for f in (folder, _set_aside(folder)) if f.is_dir()), None)


def _replace_folder(partial: Path, folder: Path) -> None:
    old = _set_aside(folder)
    if folder.is_dir():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    partial.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _set_aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
