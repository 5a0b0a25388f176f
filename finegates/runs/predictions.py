"""What a run answers to each validation row: ``predictions.safetensors`` in its folder.

With them two runs on the same data are compared row by row, which needs far fewer rows than two
scores do. No text is kept.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from finegates.errors import RunError
from finegates.files.storage import write_atomically

PREDICTIONS_FILE = "predictions.safetensors"
_NAMES = ("labels", "answers", "reference")
_LABELS = _NAMES[0]


@dataclass(frozen=True)
class Predictions:
    """Answers on the validation rows, in the data's order.

    Attributes:
        labels: True class ids, int64, or numbers, float64; shape (rows,).
        answers: What the run's model answers, likewise: the finished one, or before that as it was
            evaluated last with its gates rounded to the budget. None before then.
        reference: What the model answered that the run started from, likewise; None if it started
            from pretrained weights.
    """

    labels: np.ndarray
    answers: np.ndarray | None
    reference: np.ndarray | None = None


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Keeps them in a run's folder."""
    arrays = {name: v for name, v in vars(predictions).items() if v is not None}
    write_atomically(folder / PREDICTIONS_FILE, save({k: _plain(v) for k, v in arrays.items()}))


def read_predictions(folder: Path) -> Predictions:
    """Those of a finished run; its ``answers`` are there.

    Raises:
        RunError: If there are none, or the file is damaged.
    """
    found = read_answers_so_far(folder)
    if found is None:
        raise RunError(
            f"{folder.name} kept no answers to single rows (it is not finished, or of an earlier "
            "version), so it can't be compared row by row; train it again."
        )
    return found


def read_answers_so_far(folder: Path) -> Predictions | None:
    """Those of a run that may be under way; None while its gates are not rounded yet.

    Raises:
        RunError: If the file is damaged.
    """
    found = _read(folder)
    return found if found is not None and found.answers is not None else None


def read_reference(folder: Path) -> np.ndarray | None:
    """What the model answered that a run started from, known before its first step; None if not.

    Raises:
        RunError: If the file is damaged.
    """
    found = _read(folder)
    return found.reference if found else None


def _read(folder: Path) -> Predictions | None:
    path = folder / PREDICTIONS_FILE
    if not path.is_file():
        return None
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError(f"{folder.name}/{PREDICTIONS_FILE} can't be read: {error}.") from error
    shapes = {array.shape for array in arrays.values()}
    if (
        _LABELS not in arrays
        or not arrays.keys() <= {*_NAMES}
        or len(shapes) != 1
        or len(shapes.pop()) != 1
    ):
        raise RunError(f"{folder.name}/{PREDICTIONS_FILE} is damaged; train the run again.")
    return Predictions(*(arrays.get(name) for name in _NAMES))  # type: ignore[arg-type]


def _plain(values: np.ndarray) -> np.ndarray:
    kind = np.float64 if np.issubdtype(values.dtype, np.floating) else np.int64
    return np.ascontiguousarray(values, dtype=kind)
