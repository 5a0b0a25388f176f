"""Making a fine-tuned model smaller: how a run is set up that starts from one. Loads no torch."""

import math
from collections.abc import Mapping
from typing import Any

from finegates.methods import WARM_METHOD, WARM_SETTINGS
from finegates.settings import check_range
from finegates.spec import FIELDS, START_TEACHER, RunSpec, make_spec

STAGE_REMOVES, STAGE_STEPS, MOST_EPOCHS = 0.2, 160, 20
"""A stage is an epoch, but at least so many steps: one for each fraction of the gated weights that
is removed, and one more. SST-2 with 2,000 rows lost 2.8 points at 40% in 189 steps, 1.7 in 504."""
STARTED = ("model", "start_from", "target_sparsity")
"""Settings that `compression` chooses itself."""


def compression(
    start_from: str, remove: float, given: Mapping[str, Any], num_train: int | None = None
) -> RunSpec:
    """The run that removes a fraction of a fine-tuned model, which it imitates meanwhile.

    Args:
        start_from: Its folder, or the id of a finished dense run.
        remove: Fraction of the gated weights to remove.
        given: What the user chose: data, and any other setting but `STARTED`.
        num_train: Training rows; with few, there are more epochs. None if not known yet.

    Raises:
        SpecError: If a setting is not allowed.
    """
    check_range("remove", remove, FIELDS["target_sparsity"].metadata)
    method = given.get("method", WARM_METHOD)
    settings: dict[str, Any] = {"method": method, "teacher": START_TEACHER}
    if method == WARM_METHOD:
        settings |= {
            **WARM_SETTINGS,
            "epochs": _epochs(remove, num_train, given.get("batch_size") or RunSpec().batch_size),
        }
    return make_spec(
        {**settings, **given, "start_from": start_from, "target_sparsity": float(remove)}
    )


def _epochs(remove: float, num_train: int | None, batch_size: int) -> int:
    stages = 1 + max(1, math.ceil(remove / STAGE_REMOVES - 1e-9))
    if not num_train:
        return stages
    steps = math.ceil(num_train / batch_size)
    return max(stages, min(MOST_EPOCHS, math.ceil(stages * STAGE_STEPS / steps)))
