"""Has a finished run's language model write, in its own process, and follows it. Loads no torch.

Nothing here waits for a token: a prompt is left for the process, and what it wrote is read.
"""

import contextlib

from finegates.errors import FineGatesError, RunError
from finegates.files.links import check_no_links
from finegates.files.read_only import check_may_change
from finegates.files.storage import read_json, write_json
from finegates.runs.folder import Run
from finegates.trying import client as try_client
from finegates.trying.continuations import (
    PROMPT_FILE,
    STOP_FILE,
    TAKEN_FILE,
    WRITING_FILE,
    Prompt,
    Writing,
)
from finegates.trying.messages import try_folder


def begin(run: Run, prompt: Prompt) -> None:
    """Has both models go on from a prompt; what they are writing yet ends.

    The process is started if need be. It reads the prompt once the models are loaded.

    Raises:
        RunError: If the run's folder can't be written, or a link is in it.
    """
    check_may_change("ask a model")
    check_no_links(run.path)
    folder = try_folder(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stop_writing(run)  # first: a stop that comes after its prompt would end that
        write_json(folder / PROMPT_FILE, prompt.to_dict())
    except OSError as error:
        raise RunError(f"Nothing can be asked of {run.id}: {error}.") from error
    try_client.start(run)


def stop_writing(run: Run) -> None:
    """Ends what is being written at its next token, and takes back a prompt that waits.

    Raises:
        RunError: If a link is in the run's folder.
    """
    check_may_change("stop what works on a run")
    check_no_links(run.path)
    folder = try_folder(run)
    (folder / PROMPT_FILE).unlink(missing_ok=True)
    if folder.is_dir():
        write_json(folder / STOP_FILE, {})


def waiting(run: Run) -> Prompt | None:
    """The prompt of which nothing is written yet."""
    for name in (PROMPT_FILE, TAKEN_FILE):  # in this order: it may be taken at this moment
        with contextlib.suppress(FineGatesError):
            return Prompt.from_dict(read_json(try_folder(run) / name))
    return None


def written(run: Run) -> Writing | None:
    """What was written last, and while it is written so far; None if nothing was."""
    try:
        return Writing.from_dict(read_json(try_folder(run) / WRITING_FILE))
    except RunError:
        return None
