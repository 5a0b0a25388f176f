"""How far a regression is off, in the label's own unit: what stands next to every correlation.

A correlation is the same for answers that are shifted or stretched, so it can't say whether they
are of any use. Always answering the mean of the training rows is what they have to beat.
"""

import math
from collections.abc import Mapping

RMSE, RMSE_OF_MEAN = "rmse", "rmse_of_mean"
ERRORS = (RMSE, RMSE_OF_MEAN)
"""Names under ``metrics``: of the model, and of always answering the training rows' mean."""
_WHOLE, _LONGEST = 999.5, 1e15


def error_words(metrics: Mapping[str, float | None] | None) -> str:
    """``"RMSE 0.61, always answering the mean 1.47"``; empty where nothing is known.

    Args:
        metrics: Of an evaluation, a status or a point of a curve.
    """
    model, mean = ((metrics or {}).get(name) for name in ERRORS)
    if mean is None:
        return ""
    told = "not a number" if model is None else unit_number(model)
    return f"RMSE {told}, always answering the mean {unit_number(mean)}"


def unit_number(value: float) -> str:
    """A number in the label's unit: three digits, or all before the point: ``31,204``."""
    if not math.isfinite(value):
        return "not a number"
    return f"{value:,.0f}" if _WHOLE <= abs(value) < _LONGEST else f"{value:.3g}"
