"""Makes a model's residual stream narrower, in place: all that puts it out, adds to it or reads it.

Heads and neurons stay as they are. A head's first Linear, whose outputs its last one reads, puts
out as many numbers as the stream has, as its config has one size for both.
"""

import torch
from torch import Tensor, nn

from finegates.gates.stream import READS
from finegates.models.architectures import Architecture
from finegates.nn.model_parts import answering_path, start_of_stream

Kept = Tensor | slice
"""Which dimensions of the stream: indices, or the first of them."""


@torch.no_grad()
def keep_dimensions(model: nn.Module, kept: Kept, architecture: Architecture) -> None:
    """Keeps some dimensions of the residual stream.

    Args:
        model: A plain classifier: without gates, adapters or plans.
        kept: Which; at least one.
        architecture: Of the model.
    """
    start = start_of_stream(model, architecture)
    first = model.get_submodule(start)
    if isinstance(first, nn.LayerNorm):
        for module in model.get_submodule(start.rpartition(".")[0]).modules():
            if isinstance(module, nn.Embedding):
                _keep(module, kept, columns=True)
    _keep(first, kept)
    for layer in model.get_submodule(architecture.layers).children():
        for path in architecture.norms:
            _keep(layer.get_submodule(path), kept)
        for role, path in architecture.roles.items():
            _keep(layer.get_submodule(path), kept, columns=(role, "in") in READS)
    reader, answering = architecture.reader, answering_path(model, architecture)
    _keep(model.get_submodule(reader), kept, columns=True)
    if answering != reader:
        _keep(model.get_submodule(reader), kept)
        _keep(model.get_submodule(answering), kept, columns=True)


def _keep(module: nn.Module, kept: Kept, columns: bool = False) -> None:
    """Keeps some columns of a matrix, or some rows of a matrix or norm with those of its bias."""
    weight = _part(module.weight, kept, columns)
    module.weight = weight
    if not columns and module.bias is not None:
        module.bias = _part(module.bias, kept)
    if isinstance(module, nn.LayerNorm):
        module.normalized_shape = tuple(weight.shape)
    elif isinstance(module, nn.Embedding):
        module.embedding_dim = weight.shape[1]
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = weight.shape


def _part(parameter: Tensor | nn.Module, kept: Kept, columns: bool = False) -> nn.Parameter:
    assert isinstance(parameter, Tensor)
    part = parameter[:, kept] if columns else parameter[kept]
    return nn.Parameter(part.clone(), parameter.requires_grad)
