"""Many whole numbers in few words."""

from collections.abc import Sequence

import numpy as np


def in_ranges(numbers: Sequence[int] | np.ndarray) -> str:
    """``[0, 1, 2, 7]`` -> ``"0-2, 7"``; the numbers are in order."""
    if not len(numbers):
        return "none"
    found = np.asarray(numbers)
    runs = np.split(found, np.flatnonzero(np.diff(found) > 1) + 1)
    return ", ".join(f"{r[0]}-{r[-1]}" if len(r) > 1 else f"{r[0]}" for r in runs)
