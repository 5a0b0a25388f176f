"""The Pareto front: which points no other point beats in two numbers at once. Loads no torch."""

import math
from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the points that nothing beats, in ascending order of their first number.

    A point is beaten by one that is at least as high in both numbers and higher in one. Equal
    points don't beat each other: either both are on the front or neither is.

    Args:
        points: Two numbers each, of both of which more is better. A point with a number that is
            not known (NaN) is passed over: it neither beats nor is on the front.
    """
    known = [place for place, point in enumerate(points) if not any(map(math.isnan, point))]
    front: list[int] = []
    best = -math.inf  # second number of all that are further right
    for place in sorted(known, key=lambda p: points[p], reverse=True):
        if points[place][1] > best or (front and points[place] == points[front[-1]]):
            front.append(place)
            best = points[place][1]
    return front[::-1]
