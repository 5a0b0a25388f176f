"""The runs that the Live page watches, as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.curves.frames import names_of
from app.curves.looks import looks_of
from app.reading.curves import feed_of
from app.reading.feed import Feed
from app.reading.one_run import status_of
from app.rows import Row
from finegates.errors import RunError
from finegates.methods import METHODS
from finegates.runs.folder import BROKEN, Run
from finegates.runs.status import Status


@dataclass(frozen=True)
class Watched:
    """A run that can be read.

    Attributes:
        run: The run.
        status: Where it stands.
        feed: What it has logged.
        name: Short, and unlike the others'.
        data_name: What its data is called.
        look: Number of its colour and dashes.
    """

    run: Run
    status: Status
    feed: Feed
    name: str
    data_name: str
    look: int

    @property
    def has_gates(self) -> bool:
        """Whether the run's method closes anything; a dense one has no gates at all."""
        return METHODS[self.run.spec.method].removes

    @property
    def has_begun(self) -> bool:
        """Whether there is anything to draw yet."""
        return len(self.feed.train) > 0 or self.feed.histograms is not None


def watch(folder: Path, rows: Sequence[Row], focus: str, refresh: bool) -> dict[str, Watched]:
    """The runs that can be read, by id.

    Args:
        folder: The runs folder.
        rows: From `finegates.runs.folder.Run.row`; broken ones are left out.
        focus: Id of the run whose histograms are read too.
        refresh: Read what is new of runs that are not over.
    """
    sound = [row for row in rows if row["status"] != BROKEN]
    looks = looks_of(folder, [row["run"] for row in rows])
    look_of = {row["run"]: look for row, look in zip(rows, looks, strict=True)}
    watched = {}
    for row, name in zip(sound, names_of(sound), strict=True):
        run = Run(folder / row["run"])
        try:
            status = status_of(run)
        except RunError:  # damaged since its row was read
            continue
        feed = feed_of(run, refresh or status.is_over, histograms=run.id == focus)
        watched[run.id] = Watched(
            run, status, feed, name, row["data_name"], look_of[run.id]
        )  # fmt: skip
    return watched
