"""The published comparison of all methods, and which runs of each there are."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from app.reading.cache import changed_ns, copied
from app.rows import Row
from finegates.errors import ModelError
from finegates.methods import METHODS
from finegates.models.parameters import method_params
from finegates.models.sources import model_sizes
from finegates.results.compared import COMPARED_PATH, Compared, read_compared
from finegates.spec import make_spec


def compared_methods() -> Compared | None:
    """The comparison that came with the program; None if nothing has been published.

    Raises:
        RunError: If its file is damaged.
    """
    return _compared(COMPARED_PATH, changed_ns(COMPARED_PATH))


@copied(1)
def _compared(path: Path, changed: int) -> Compared | None:
    return read_compared(path)


def runs_of_methods(rows: Iterable[Row]) -> Counter[str]:
    """How many finished runs of each method the folder has."""
    return Counter(row["method"] for row in rows if row["status"] == "finished")


@copied(8)
def trained_parameters(model: str) -> dict[str, int]:
    """Trained parameters of each method on a model, without its head; nothing is downloaded.

    A method whose sizes don't fit the model is left out.
    """
    sizes, found = model_sizes(model), {}
    for name in METHODS:
        try:
            found[name] = method_params(make_spec({"method": name}), sizes)
        except ModelError:
            continue
    return found
