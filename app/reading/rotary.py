"""How fast the rotary pairs of a run's model turn, from its config."""

import numpy as np

from finegates.errors import FineGatesError
from finegates.models.rotary import wavelengths
from finegates.models.sources import config_at_hand
from finegates.runs.folder import Run


def wavelengths_of(run: Run) -> np.ndarray | None:
    """As `finegates.models.rotary.wavelengths`; None, too, if the model is not on this machine."""
    try:
        config = config_at_hand(run.spec.model)
    except FineGatesError:
        return None
    return None if config is None else wavelengths(config)
