"""Searches for the smallest model within a tolerance: what is known, and who carries them on."""

from dataclasses import dataclass
from pathlib import Path

from app.reading.cache import changed_ns, copied
from finegates.errors import FineGatesError
from finegates.fitting.drive import is_driven, last_words
from finegates.fitting.file import Fit, list_fits, open_fit
from finegates.fitting.fit import Answer, answer_of
from finegates.runs.folder import Run
from finegates.runs.status import RESUMABLE_STATES, STATUS_FILE


@dataclass(frozen=True)
class Search:
    """A search as it stands.

    Attributes:
        fit: What was asked, and its runs.
        answer: What is known so far; None while no reference is finished, or where it is damaged.
        problem: Why there is no answer though there should be one; empty if all is well.
        is_driven: Whether a process carries it on.
        said: Why nobody carries it on, where nobody does and it is not over.
    """

    fit: Fit
    answer: Answer | None
    problem: str
    is_driven: bool
    said: str

    @property
    def runs(self) -> list[str]:
        """Ids of all its runs, the reference first."""
        return [*self.fit.all_runs]

    @property
    def is_over(self) -> bool:
        """Whether the answer stands."""
        return self.answer is not None and self.answer.is_final


def search_names(folder: Path) -> list[str]:
    """Names of all searches, newest first; damaged ones last."""

    def created(name: str) -> str:
        try:
            return open_fit(folder, name).created
        except FineGatesError:
            return ""

    return sorted(list_fits(folder), key=created, reverse=True)


def search_of(folder: Path, name: str) -> Search:
    """A search by its name.

    Raises:
        FineGatesError: If there is none, or its file is damaged.
    """
    fit = open_fit(folder, name)
    changes = tuple(changed_ns(folder / run / STATUS_FILE) for run in fit.all_runs)
    answer, problem = None, ""
    try:
        answer = _answer(fit, folder, changes)
    except FineGatesError as error:
        problem = str(error)
    driven = is_driven(folder, name)
    said = "" if driven else _ended_early(fit, folder) or last_words(folder, name)
    return Search(fit, answer, problem, driven, said)


def _ended_early(fit: Fit, folder: Path) -> str:
    """What became of a training that did not finish; empty if there is none."""
    for run in (Run(folder / each) for each in fit.wanted):
        if run.path.is_dir() and (status := run.status()).state in RESUMABLE_STATES:
            return f"A training is {status.state}. {status.reason}"
    return ""


def target_of(folder: Path, run: str) -> tuple[float, int]:
    """What a run of a search removes in the end, as a fraction, and its seed."""
    spec = Run(folder / run).spec
    return spec.target_sparsity, spec.seed


@copied(
    32, hash_funcs={Fit: lambda fit: (fit.name, fit.reference, fit.runs, fit.lost, fit.max_drop)}
)
def _answer(fit: Fit, folder: Path, changes: tuple[int, ...]) -> Answer:
    return answer_of(fit, folder)
