"""Progress for people: a bar for a run in the foreground, lines of a log for one behind it."""

import time
from types import TracebackType

from tqdm import tqdm

from finegates.data.metric_kinds import score_text
from finegates.gates.counting import COUNT_WORDS
from finegates.runs.journal import Journal


class ProgressBar:
    """Follows a journal: steps, score, removed weights. A context manager."""

    def __init__(self) -> None:
        self._bar = tqdm(unit="step", dynamic_ncols=True)

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._bar.close()

    def __call__(self, journal: Journal) -> None:
        """Shows where the run stands."""
        status = journal.status
        self._bar.total = status.total_steps
        self._bar.n = status.step
        shown = {"removed": status.removed_weights_fraction, status.metric: status.score}
        self._bar.set_postfix({k: f"{v:.3f}" for k, v in shown.items() if v is not None})


def print_progress(journal: Journal) -> None:
    """Prints where the run stands as one line; in a background run that is its log."""
    status = journal.status
    parts = [
        time.strftime("%H:%M:%S"),
        f"step {status.step}/{status.total_steps}",
        f"removed {status.removed_weights_fraction or 0:.1%}{_counted(journal)}",
        f"{status.samples_per_s or 0:.0f} rows/s",
    ]
    if status.score is not None:
        parts.append(f"{status.metric} {score_text(status.score, status.metric)}")
    if status.has_learned_nothing:
        parts.append(f"every answer is {status.only_answer}")
    print("  ".join(parts), flush=True)


def _counted(journal: Journal) -> str:
    """How much that is of what the budget counts, where it counts no weights."""
    fraction = journal.status.counted_removed_fraction
    if fraction is None:
        return ""
    return f" of the weights, {fraction:.1%} {COUNT_WORDS[journal.run.spec.budget_counts]}"
