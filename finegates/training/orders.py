"""In which order gates are closed that a method does not learn: one registry of scores."""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.methods import METHODS
from finegates.methods.method import IMPORTANCE, LORA_IMPORTANCE, MAGNITUDE, SENSITIVITY
from finegates.nn.gates import Gates
from finegates.nn.importance import importances, lora_importances
from finegates.nn.magnitude import magnitudes
from finegates.training.session import Session, looked_at, sensitivities_of

ORDERS: dict[str, Callable[[Session, PreTrainedModel, Gates], Tensor]] = {
    MAGNITUDE: lambda session, model, gates: magnitudes(model, gates),
    SENSITIVITY: lambda session, model, gates: torch.from_numpy(sensitivities_of(session)),
    IMPORTANCE: lambda session, model, gates: torch.from_numpy(
        importances(model, gates, looked_at(session))
    ),
    LORA_IMPORTANCE: lambda session, model, gates: torch.from_numpy(
        lora_importances(model, gates, looked_at(session))
    ),
}
"""`Method.gates` -> what scores each gate, at least 0, ``(num_gates,)``; the lowest close first."""


def scores_to_close_by(session: Session) -> Tensor | None:
    """What orders the gates of a session before they close; None where the gates learned it."""
    source = SENSITIVITY if session.closes_once else METHODS[session.spec.method].gates
    gates = session.gates
    if gates is None or source not in ORDERS:
        return None
    model = session.accelerator.unwrap_model(session.model)
    return ORDERS[source](session, model, gates).to(gates.parameter)
