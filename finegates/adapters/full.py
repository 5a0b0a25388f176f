"""Full fine-tuning: everything but head and gates is the adapter."""

from torch import nn
from transformers import PreTrainedModel

from finegates.nn.gates import Gates
from finegates.nn.model_parts import head_parameters


def attach_full(model: PreTrainedModel) -> list[nn.Parameter]:
    """Trains every parameter, embeddings and pooler too, but not the gates if there are any.

    Returns:
        All of them that are not in the head; it has its own rate.
    """
    gates = [p for m in model.modules() if isinstance(m, Gates) for p in m.parameters()]
    others = {id(p) for p in (*gates, *head_parameters(model))}
    parameters = [p for p in model.parameters() if id(p) not in others]
    for parameter in parameters:
        parameter.requires_grad_(True)
    return parameters
