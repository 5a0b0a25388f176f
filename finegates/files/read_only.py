"""Read-only mode: everything is shown, and nothing is started, stopped, changed or deleted.

The one place that decides. Every function that changes something calls `check_may_change` first, so
that no button, hidden or not, gets past it; pages ask `read_only` to show their buttons disabled.
Workers that run when a server is started read-only continue: they are not part of that server.
"""

import os

from finegates.errors import ReadOnlyError

READ_ONLY_VARIABLE = "FINEGATES_READ_ONLY"
_NO = ("", "0", "false", "no", "off")
WHY = (
    f"This app is read-only ({READ_ONLY_VARIABLE} is set where it was started): everything can be "
    "looked at and downloaded, and nothing started, stopped, changed or deleted."
)


def read_only() -> bool:
    """Whether ``FINEGATES_READ_ONLY`` is set; 0, false, no and off count as not set."""
    return os.environ.get(READ_ONLY_VARIABLE, "").strip().lower() not in _NO


def check_may_change(what: str) -> None:
    """Raises ReadOnlyError in read-only mode.

    Args:
        what: What would be done, as in ``"start a run"``.
    """
    if read_only():
        raise ReadOnlyError(
            f"Read-only mode does not let anyone {what}. Start without {READ_ONLY_VARIABLE} to "
            "change something."
        )
