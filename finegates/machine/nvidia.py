"""The GPUs that CUDA shows to this process, as nvidia-smi lists them; loads no torch."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from finegates.errors import FineGatesError, shortened

ANSWER_S = 10.0
"""nvidia-smi takes up to a second; on a loaded machine it is given this long."""
VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"
ORDER_VARIABLE = "CUDA_DEVICE_ORDER"
_QUERY = "index,uuid,name,memory.free"
_NO_OWN_MEMORY = ("[N/A]", "[Not Supported]")


class GpuLookupError(FineGatesError):
    """nvidia-smi is installed, but did not say which GPUs there are."""


@dataclass(frozen=True)
class Gpu:
    """A GPU as nvidia-smi lists it.

    Attributes:
        index: Counted in the order of the bus.
        uuid: Begins with ``GPU-``.
        name: The model.
        free_memory: In MiB, or words in brackets where that can't be said.
    """

    index: int
    uuid: str
    name: str
    free_memory: str

    @property
    def shares_memory(self) -> bool:
        """Whether it has no memory of its own, as where CPU and GPU are one chip."""
        return self.free_memory in _NO_OWN_MEMORY

    @property
    def answers(self) -> bool:
        """Whether the driver can read its memory; else it is lost, or has to be reset."""
        return self.free_memory.isdecimal() or self.shares_memory


def visible_gpus() -> list[Gpu]:
    """The GPUs in the order in which CUDA numbers them for this process, from ``cuda:0`` on.

    Raises:
        GpuLookupError: If nvidia-smi fails, or does not answer within `ANSWER_S` seconds.
    """
    gpus = all_gpus()
    given = os.environ.get(VISIBLE_VARIABLE)
    return gpus if given is None else chosen_gpus(gpus, given)


def chosen_gpus(gpus: Sequence[Gpu], given: str) -> list[Gpu]:
    """The GPUs that a value of ``CUDA_VISIBLE_DEVICES`` leaves, in its order, as CUDA reads it.

    The first entry says whether all are indices or beginnings of UUIDs. The list ends before the
    first entry that names no GPU, or no single one: -1, a word, a part of a GPU (``MIG-...``).
    A GPU that is named twice makes it empty.
    """
    by_uuid, chosen = given.strip().startswith("GPU-"), list[Gpu]()
    for word in map(str.strip, given.split(",")):
        if by_uuid:
            named = [gpu for gpu in gpus if word.startswith("GPU-") and gpu.uuid.startswith(word)]
        else:
            named = [gpu for gpu in gpus if word.isdecimal() and gpu.index == int(word)]
        if len(named) != 1:
            break
        if named[0] in chosen:
            return []
        chosen += named
    return chosen


def all_gpus() -> list[Gpu]:
    """Every GPU of this machine; none where nvidia-smi is not installed.

    Raises:
        GpuLookupError: If nvidia-smi fails, or does not answer within `ANSWER_S` seconds.
    """
    if not (tool := shutil.which("nvidia-smi")):
        return []
    words = [tool, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=ANSWER_S)
    except subprocess.TimeoutExpired as error:
        raise GpuLookupError(f"nvidia-smi did not answer within {ANSWER_S:g} s.") from error
    except (OSError, UnicodeError) as error:
        raise GpuLookupError(f"nvidia-smi could not be asked: {error}.") from error
    if answer.returncode:
        said = (answer.stdout + answer.stderr).strip().splitlines() or ["it gives no reason"]
        why = shortened(said[0], 200).rstrip(".")
        raise GpuLookupError(f"nvidia-smi failed (exit code {answer.returncode}): {why}.")
    return [gpu for line in answer.stdout.splitlines() if (gpu := _parse(line))]


def _parse(line: str) -> Gpu | None:
    cells = [cell.strip() for cell in line.split(", ")]
    whole = len(cells) == len(_QUERY.split(",")) and cells[0].isdecimal()
    return Gpu(int(cells[0]), *cells[1:]) if whole else None
