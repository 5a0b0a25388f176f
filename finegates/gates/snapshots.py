"""Gates on disk: the mean of every gate at one step, one tensor for each gate vector.

A snapshot is a safetensors file. Tensors are named ``<layer>.<role>.<side>``, for example
``0.q.in``; the header's metadata carries the law, the step and the shape of every gated matrix, so
a snapshot explains itself. Snapshots during training are float16, the last one float32.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from finegates.errors import RunError
from finegates.files.storage import write_atomically
from finegates.gates.laws import Law, make_law
from finegates.gates.layout import GateLayout

SNAPSHOT_SUFFIX = ".safetensors"
EARLY_FRACTIONS = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2)
"""Of the training, where gates are stored besides at evaluations: often while most of them move."""


@dataclass(frozen=True)
class Snapshot:
    """The gates of a model at one step.

    Attributes:
        step: Optimizer steps done.
        layout: Which gate is where.
        law: What a mean means.
        means: All means, float32, shape ``(num_gates,)``.
    """

    step: int
    layout: GateLayout
    law: Law
    means: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """Gate values in evaluation, in [0, 1], shape ``(num_gates,)``."""
        return self.law.value(self.means)

    @property
    def closed(self) -> np.ndarray:
        """Which gates are closed: boolean, shape ``(num_gates,)``."""
        return self.values <= 0


def snapshot_path(folder: Path, step: int) -> Path:
    """Where the snapshot of a step is."""
    return folder / f"{step:07d}{SNAPSHOT_SUFFIX}"


def snapshot_steps(folder: Path) -> list[int]:
    """Steps that have a snapshot, in order."""
    return sorted(int(p.stem) for p in folder.glob(f"*{SNAPSHOT_SUFFIX}") if p.stem.isdecimal())


def is_early_snapshot(step: int, total_steps: int, every: int) -> bool:
    """Whether this step is the first that can be stored after one of `EARLY_FRACTIONS`.

    Args:
        step: Optimizer steps done.
        total_steps: Of the whole training.
        every: Snapshots can be stored at multiples of so many steps.
    """
    return any(step - every < fraction * total_steps <= step for fraction in EARLY_FRACTIONS)


def save_snapshot(folder: Path, snapshot: Snapshot, *, full_precision: bool) -> Path:
    """Writes a snapshot atomically; float16 unless ``full_precision``."""
    means = snapshot.means.astype(np.float32 if full_precision else np.float16)
    metadata = {
        "step": str(snapshot.step),
        "law": snapshot.law.name,
        "layout": json.dumps(snapshot.layout.to_dict()),
    }
    folder.mkdir(exist_ok=True)
    path = snapshot_path(folder, snapshot.step)
    write_atomically(path, save(snapshot.layout.split(means), metadata=metadata))
    return path


def load_snapshot(path: Path) -> Snapshot:
    """Reads a snapshot.

    Raises:
        RunError: If it is missing, damaged, or not a gate snapshot.
    """
    if path.is_symlink():
        raise RunError(f"{path.name} is a symbolic link, which is not followed.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            layout = GateLayout.from_dict(json.loads(metadata["layout"]))
            parts = [file.get_tensor(v.name).astype(np.float32) for v in layout.vectors]
            law, step = make_law(metadata["law"]), int(metadata["step"])
    except (OSError, SafetensorError, LookupError, ValueError, TypeError) as error:
        raise RunError(f"{path.name} is not a readable gate snapshot: {error}.") from error
    return Snapshot(step=step, layout=layout, law=law, means=np.concatenate(parts))
