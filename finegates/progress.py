"""A progress bar on stderr for a run in the foreground."""

from types import TracebackType

from tqdm import tqdm

from finegates.journal import Journal


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
