"""Errors a user can act on: each says what was given, what is allowed and what to do next.

The command line prints them as one sentence with exit code 2, the app as a message. Anything else
that is raised is a defect of ours and keeps its traceback.
"""

import difflib
from collections.abc import Iterable

_MOST_SLIPS = 3
_TRIED = 5
"""How many names that share the most characters are looked at."""


class FineGatesError(Exception):
    """Base of every error that is the user's to mend."""


class SpecError(FineGatesError):
    """A setting is out of its range, or two settings contradict each other."""


class DataError(FineGatesError):
    """The data can't be read, or can't be learned from."""


class ModelError(FineGatesError):
    """The model can't be found, is refused, or is of a type that is not supported."""


class RunError(FineGatesError):
    """A run folder is missing, damaged, of an unknown format, or in the wrong state."""


class ReadOnlyError(FineGatesError):
    """Something would be changed in read-only mode."""


def first_line(error: BaseException) -> str:
    """What an error says, without the pages that some libraries add; its type if it is mute."""
    return str(error).strip().split("\n")[0] or type(error).__name__


def shortened(text: str, most: int = 80) -> str:
    """At most this many characters of a text from outside, in one line that can be shown anywhere.

    Line ends, control characters and halves of characters become blanks or question marks.
    """
    text = text if len(text) <= most else f"{text[:most]}…"
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.encode("utf-8", "replace").decode()


def unknown_name(kind: str, given: str, allowed: Iterable[str], shown: int | None = None) -> str:
    """A sentence for a name that is not in a list; one that was likely meant is named first.

    Args:
        kind: What the name stands for, for example ``"method"``.
        given: What the user wrote.
        allowed: Every valid name.
        shown: List at most this many of them; all if not given.
    """
    names, given = list(allowed), shortened(given)
    meant = likely_meant(given, names)
    hint = f" Did you mean '{meant}'?" if meant else ""
    more = f" and {len(names) - shown} more" if shown is not None and len(names) > shown else ""
    listed = ", ".join(map(shortened, names[:shown]))
    return f"Unknown {kind} '{given}'.{hint} Allowed: {listed}{more}."


def likely_meant(given: str, allowed: Iterable[str]) -> str | None:
    """The valid name of which a name is likely a mistyped form; None if it is more than that.

    One in four characters may differ, and at most `_MOST_SLIPS`: another name that only looks
    alike, such as ``albert`` for ``bert``, would lead astray.
    """
    by_lower = {name.lower(): name for name in allowed}
    lower = given.lower()
    most = min(_MOST_SLIPS, max(len(lower) // 4, len(lower) > 2))
    for close in difflib.get_close_matches(lower, by_lower, n=_TRIED):
        if _slips(lower, close) <= most:
            return by_lower[close]
    return None


def _slips(given: str, meant: str) -> int:
    """Characters left out, added, replaced, or swapped with their neighbour."""
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, own in enumerate(given, start=1):
        earlier, before, row = before, row, [i]
        for j, other in enumerate(meant, start=1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (own != other)))
            if i > 1 and j > 1 and (own, given[i - 2]) == (meant[j - 2], other):
                row[j] = min(row[j], earlier[j - 2] + 1)
    return row[-1]
