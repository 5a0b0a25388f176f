"""Several processes that train one run together, kept in step.

Each takes an equal share of every batch and averages gradients with the others. The main process
alone reads requests and writes the run's folder. What it decides reaches the others over the CPU,
so that no step waits for a GPU.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import torch
from accelerate import Accelerator
from torch import Tensor, distributed

from finegates.errors import FineGatesError

_LONGEST_PAUSE = timedelta(days=365)


class Processes:
    """The processes of a training, seen from one of them; a single one has nobody to ask.

    Attributes:
        count: How many there are.
        index: Which one this is; 0 is the main process.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.count, self.index = accelerator.num_processes, accelerator.process_index
        self._group = None
        if self.count > 1:
            self._group = distributed.new_group(backend="gloo", timeout=_LONGEST_PAUSE)

    def main_decides(self, ask: Callable[[], bool]) -> bool:
        """What the main process answers; only there the question is asked.

        A yes counts once all have heard it: a process that was asked to end because another one
        has died does not take that for a wish of the user's.
        """
        if self._group is None:
            return ask()
        answer = torch.tensor(self.index == 0 and ask())
        distributed.broadcast(answer, src=0, group=self._group)
        if answer:
            distributed.barrier(group=self._group)
        return bool(answer)

    def check_alike(self, what: str, tensor: Tensor) -> None:
        """Raises FineGatesError unless a tensor is the same, bit for bit, in all processes."""
        if self._group is None:
            return
        content = tensor.detach().float().cpu().numpy().tobytes()
        digest = int.from_bytes(hashlib.sha256(content).digest()[:7])
        ends = torch.tensor([digest, -digest])
        distributed.all_reduce(ends, distributed.ReduceOp.MAX, group=self._group)
        if ends.sum():
            raise FineGatesError(
                f"The {what} differ between the {self.count} processes of this run; train it in "
                "one (num_processes 1) and report this."
            )

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Each value's mean over the processes."""
        if self._group is None:
            return values
        sums = torch.tensor(list(values.values()), dtype=torch.float64)
        distributed.all_reduce(sums, group=self._group)
        return dict(zip(values, (sums / self.count).tolist(), strict=True))
