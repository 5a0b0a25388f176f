"""Making a fine-tuned model smaller: how a run is set up that starts from one. Loads no torch."""

import math
from collections.abc import Mapping
from typing import Any

from finegates.methods import WARM_METHOD, WARM_SETTINGS
from finegates.settings import check_range
from finegates.spec import FIELDS, START_TEACHER, RunSpec, make_spec

EPOCH_REMOVES = 0.2
"""Fraction of the gated weights that an epoch is given for, after the first."""
STARTED = ("model", "start_from", "target_sparsity")
"""Settings that `compression` chooses itself."""


def compression(start_from: str, remove: float, given: Mapping[str, Any]) -> RunSpec:
    """The run that removes a fraction of a fine-tuned model, which it imitates meanwhile.

    Args:
        start_from: Its folder, or the id of a finished dense run.
        remove: Fraction of the gated weights to remove.
        given: What the user chose: data, and any other setting but `STARTED`.

    Raises:
        SpecError: If a setting is not allowed.
    """
    check_range("remove", remove, FIELDS["target_sparsity"].metadata)
    method = given.get("method", WARM_METHOD)
    settings: dict[str, Any] = {"method": method, "teacher": START_TEACHER}
    if method == WARM_METHOD:
        settings |= {
            **WARM_SETTINGS,
            "epochs": 1 + max(1, math.ceil(remove / EPOCH_REMOVES - 1e-9)),
        }
    return make_spec(
        {**settings, **given, "start_from": start_from, "target_sparsity": float(remove)}
    )
