"""What a finished run answered to each validation row: ``predictions.safetensors`` in its folder.

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
_NAMES = ("labels", "answers")
_REFERENCE = "reference"


@dataclass(frozen=True)
class Predictions:
    """Answers on the validation rows, in the data's order.

    Attributes:
        labels: True class ids, int64, or numbers, float64; shape (rows,).
        answers: What the run's model answers, likewise.
        reference: What the model answered that the run started from, likewise; None if it started
            from pretrained weights.
    """

    labels: np.ndarray
    answers: np.ndarray
    reference: np.ndarray | None = None


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Keeps them in a run's folder."""
    arrays = {"labels": predictions.labels, "answers": predictions.answers}
    if predictions.reference is not None:
        arrays[_REFERENCE] = predictions.reference
    write_atomically(folder / PREDICTIONS_FILE, save({k: _plain(v) for k, v in arrays.items()}))


def read_predictions(folder: Path) -> Predictions:
    """Those of a run.

    Raises:
        RunError: If there are none, or the file is damaged.
    """
    path = folder / PREDICTIONS_FILE
    if not path.is_file():
        raise RunError(
            f"{folder.name} kept no answers to single rows (it is not finished, or of an earlier "
            "version), so it can't be compared row by row; train it again."
        )
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError(f"{folder.name}/{PREDICTIONS_FILE} can't be read: {error}.") from error
    shapes = {array.shape for array in arrays.values()}
    if not {*_NAMES} <= arrays.keys() or len(shapes) != 1 or len(shapes.pop()) != 1:
        raise RunError(f"{folder.name}/{PREDICTIONS_FILE} is damaged; train the run again.")
    return Predictions(arrays["labels"], arrays["answers"], arrays.get(_REFERENCE))


def _plain(values: np.ndarray) -> np.ndarray:
    kind = np.float64 if np.issubdtype(values.dtype, np.floating) else np.int64
    return np.ascontiguousarray(values, dtype=kind)
