"""What a standalone folder answers in a process that can't import finegates."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file
from torch import Tensor

from finegates.errors import ModelError

_SCRIPT = Path(__file__).with_name("blocked.py")


def answers_without_finegates(
    folder: Path, batches: Mapping[str, Mapping[str, Tensor]]
) -> dict[str, np.ndarray]:
    """Logits of a folder, loaded with its own code and with nothing of ours.

    Args:
        folder: With a model whose config names its code.
        batches: Name -> what the model is given.

    Returns:
        Name -> float32, shape ``(rows, labels)``; of a language model ``(rows, tokens, ids)``.

    Raises:
        ModelError: If it can't be loaded, or does not read what it is given.
    """
    with tempfile.TemporaryDirectory() as place:
        questions, answers = Path(place, "questions"), Path(place, "answers")
        given = {f"{batch}/{name}": t for batch, one in batches.items() for name, t in one.items()}
        save_file({name: tensor.contiguous() for name, tensor in given.items()}, questions)
        # The copy of the code that transformers loads goes with the folder; nothing is downloaded.
        own = {"HF_MODULES_CACHE": str(Path(place, "modules")), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            [sys.executable, "-P", str(_SCRIPT), str(folder), str(questions), str(answers)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **own},
        )
        if done.returncode:
            raise ModelError(
                "The exported model does not load or answer without finegates: "
                f"{_reason(done)} Nothing was written."
            )
        return {name: tensor.numpy().copy() for name, tensor in load_file(answers).items()}


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """The last line of a traceback, or, of a process that was ended, what ended it."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode < 0 or not lines:
        return f"its process ended with code {done.returncode}; memory may not suffice."
    return f"{lines[-1].rstrip('.')}."
