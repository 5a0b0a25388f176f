"""Answers behind a curve that is not complete: ``curve-answers.safetensors`` in the run's folder.

Whoever goes on with the curve scores only the rows that are missing. Loads no torch.
"""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from finegates.files.storage import write_atomically

ANSWERS_FILE = "curve-answers.safetensors"
_LABELS, _WHERE = "labels", "where"


class CurveAnswers:
    """What the smaller models of one run have answered so far, by how many gates they have closed.

    Answers to other rows, or computed elsewhere or in another precision, are none.

    Args:
        folder: The run's.
        labels: True classes or numbers, shape (rows,).
        where: What they are computed on, in words.
    """

    def __init__(self, folder: Path, labels: np.ndarray, where: str) -> None:
        self._path, self._labels, self._where = folder / ANSWERS_FILE, labels, where
        self._answers = self._read()

    def of(self, closed_gates: int) -> np.ndarray:
        """Answers to the first rows of the curve's order, shape (known,); empty without any."""
        return self._answers.get(str(closed_gates), np.empty(0))

    def keep(self, closed_gates: int, answers: np.ndarray) -> None:
        """Writes down what a model has answered, shape (known,)."""
        self._answers[str(closed_gates)] = np.ascontiguousarray(answers)
        self._write()

    def forget(self, closed_gates: int) -> None:
        """Forgets what a model has answered: its score on all rows is known."""
        if self._answers.pop(str(closed_gates), None) is not None:
            self._write()

    def _write(self) -> None:
        if not self._answers:
            self._path.unlink(missing_ok=True)
            return
        content = {_LABELS: np.ascontiguousarray(self._labels), **self._answers}
        write_atomically(self._path, save(content, {_WHERE: self._where}))

    def _read(self) -> dict[str, np.ndarray]:
        try:
            with safe_open(self._path, "numpy") as file:
                found = {name: file.get_tensor(name) for name in sorted(file.keys())}
                where = (file.metadata() or {}).get(_WHERE)
        except (OSError, SafetensorError, ValueError):
            return {}
        labels = found.pop(_LABELS, np.empty(0))
        known = all(a.ndim == 1 and len(a) <= len(self._labels) for a in found.values())
        same = np.array_equal(labels, self._labels) and where == self._where
        return found if same and known else {}
