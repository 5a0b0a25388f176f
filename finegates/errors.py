"""Errors a user can act on: each says what was given, what is allowed and what to do next.

The command line prints them as one sentence with exit code 2, the app as a message. Anything else
that is raised is a defect of ours and keeps its traceback.
"""

import difflib
from collections.abc import Iterable


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
    """A sentence for a name that is not in a list, with the closest valid name first.

    Args:
        kind: What the name stands for, for example ``"method"``.
        given: What the user wrote.
        allowed: Every valid name.
        shown: List at most this many of them; all if not given.
    """
    names, given = list(allowed), shortened(given)
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    more = f" and {len(names) - shown} more" if shown is not None and len(names) > shown else ""
    listed = ", ".join(map(shortened, names[:shown]))
    return f"Unknown {kind} '{given}'.{hint} Allowed: {listed}{more}."
