"""What runs have logged: of those that are watched line by line, of others all at once."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app.reading.cache import copied
from app.reading.feed import EVAL_COLUMNS, TRAIN_COLUMNS, Feed, metrics_frame
from finegates.files.storage import LineReader
from finegates.runs.folder import METRICS_FILE, Run

KEPT_FEEDS = 12
_FEEDS = "_feeds"


def feed_of(run: Run, refresh: bool = True, histograms: bool = True) -> Feed:
    """This session's reader of a run, brought up to date. Keeps the last few runs only.

    Args:
        run: The run.
        refresh: Read what is new; else only if nothing has been read before.
        histograms: Read the gates' histograms too.
    """
    feeds: dict[Path, Feed] = st.session_state.setdefault(_FEEDS, {})
    known = feeds.pop(run.path, None)
    current = known or Feed(run)
    feeds[run.path] = current
    while len(feeds) > KEPT_FEEDS:
        del feeds[next(iter(feeds))]
    if refresh or not known or (histograms and current.histograms is None):
        current.refresh(histograms)
    return current


def logged(run: Run) -> int:
    """How much the run has logged so far, in bytes: another number says that there is more."""
    try:
        return (run.path / METRICS_FILE).stat().st_size
    except OSError:
        return 0


def curves_of(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a run has logged so far, and its evaluations. `feed_of` is for runs that are watched."""
    path = run.path / METRICS_FILE
    try:
        found = path.stat()
    except OSError:
        return _curves_at(str(path), 0, 0)
    return _curves_at(str(path), found.st_mtime_ns, found.st_size)


@copied(48)
def _curves_at(path: str, changed_ns: int, size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = LineReader(Path(path)).read_new()
    return metrics_frame(rows, "train", TRAIN_COLUMNS), metrics_frame(rows, "eval", EVAL_COLUMNS)
