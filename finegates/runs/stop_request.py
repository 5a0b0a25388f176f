"""The request to stop: an empty file means the user asked; otherwise it holds the final state.

Only the job of a cluster writes the second kind. The user's request wins: it empties the file.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

STOP_FILE = "stop"


@dataclass(frozen=True)
class StopRequest:
    """What a worker is to end as.

    Attributes:
        state: A final state, or ``queued`` where the run goes on by itself later.
        reason: In words, a sentence.
    """

    state: str = "stopped"
    reason: str = "Stopped by you."

    @property
    def by_user(self) -> bool:
        """Whether a person asked for it."""
        return self == StopRequest()

    @property
    def killed_reason(self) -> str:
        """The reason, where the worker did not hear."""
        return f"{self.reason.rstrip('.')}; it had to be killed."


def ask_to_stop(folder: Path) -> None:
    """Asks for a stop as the user does, whatever was asked for before."""
    (folder / STOP_FILE).write_bytes(b"")


def ask_to_end(folder: Path, request: StopRequest) -> None:
    """Asks a worker to end in a state, unless a stop was asked for already.

    The file appears with its content in it: the worker could read it at any moment.
    """
    partial = folder / f".{STOP_FILE}.{os.getpid()}.part"
    partial.write_text(json.dumps(asdict(request)))
    try:
        with contextlib.suppress(FileExistsError):
            os.link(partial, folder / STOP_FILE)  # unlike rename, it refuses to replace
    finally:
        partial.unlink()


def read_stop(folder: Path) -> StopRequest | None:
    """The request, if there is one; what can't be understood counts as the user's."""
    try:
        content = json.loads((folder / STOP_FILE).read_bytes())
        return StopRequest(str(content["state"]), str(content["reason"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return StopRequest()
