"""Which entries of a tensor are the largest: as many as asked for, the same on every machine."""

from torch import Tensor


def largest(sizes: Tensor, count: int) -> Tensor:
    """Marks exactly ``count`` entries of each row; of equals at the limit those that come first.

    Args:
        sizes: Shape ``(..., entries)``.
        count: At least 1, at most the number of entries.

    Returns:
        Boolean, of the same shape.
    """
    limit = sizes.kthvalue(sizes.shape[-1] - count + 1, dim=-1, keepdim=True).values
    above, equal = sizes > limit, sizes == limit
    room = count - above.sum(-1, keepdim=True)
    return above | (equal & (equal.cumsum(-1) <= room))
