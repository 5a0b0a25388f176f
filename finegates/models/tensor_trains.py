"""Shapes of tensor trains: the numbers into which a matrix's sides are factored. Loads no torch."""

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

KNOWN_SHAPES = {
    (768, 8): (8, 8, 12, 8),
    (768, 64): (8, 8, 12, 8, 8),
    (1024, 8): (4, 8, 8, 8, 4),
    (1024, 64): (4, 8, 8, 8, 8, 4),
}
"""``(in, out)`` -> shape, as in LoRETTA's code (github.com/yifanycc/loretta, commit c66bbb3)."""
IDEAL_FACTOR = 8
"""What most numbers of `KNOWN_SHAPES` are."""


def tensor_train_shape(in_features: int, out_features: int) -> tuple[int, ...]:
    """The sizes of a tensor train's cores, whose product is ``in_features * out_features``.

    LoRETTA's authors have a list for each size that they trained. For any other size the rule is
    ours: each side is factored into numbers as close to 8 as its primes allow, and the larger ones
    are in the middle. It gives the authors' lists for 768 too, not those for 1024. A matrix and its
    transpose have the same list, read from either end.

    Args:
        in_features: First side of the matrix.
        out_features: Second side.
    """
    if (in_features, out_features) in KNOWN_SHAPES:
        return KNOWN_SHAPES[in_features, out_features]
    if (out_features, in_features) in KNOWN_SHAPES:
        return KNOWN_SHAPES[out_features, in_features][::-1]
    return (*factors(in_features), *factors(out_features)[::-1])


def tensor_train_params(in_features: int, out_features: int, rank: int) -> int:
    """Parameters of all cores, of ``r x n x r`` each, the outer r of the first and last being 1."""
    shape = tensor_train_shape(in_features, out_features)
    ranks = tensor_train_ranks(len(shape), rank)
    return sum(a * n * b for a, n, b in zip(ranks, shape, ranks[1:], strict=False))


def tensor_train_ranks(num_cores: int, rank: int) -> tuple[int, ...]:
    """What joins the cores: 1, the rank between any two, 1; one more than there are cores."""
    return (1, *[rank] * (num_cores - 1), 1)


@cache
def factors(number: int) -> tuple[int, ...]:
    """Factors of a number as close to 8 as its primes allow, ascending; 1 has itself alone.

    Closest is where the ratios of the factors to 8, the larger over the smaller, have the smallest
    product; of several the one with the smallest sum, as it needs the fewest parameters.
    """
    return min(_factorings(number, least=2), key=lambda found: (_distance(found), sum(found)))


def _distance(found: tuple[int, ...]) -> Fraction:
    """Exact, so that no rounding decides between two that are equally close."""
    ratios = (Fraction(max(f, IDEAL_FACTOR), min(f, IDEAL_FACTOR)) for f in found)
    return math.prod(ratios, start=Fraction(1))


def _factorings(number: int, least: int) -> Iterator[tuple[int, ...]]:
    """Every way to write a number as an ascending product of factors from ``least``."""
    yield (number,)
    for factor in range(least, math.isqrt(number) + 1):
        if number % factor == 0:
            yield from ((factor, *rest) for rest in _factorings(number // factor, factor))
