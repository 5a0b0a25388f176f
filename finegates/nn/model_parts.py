"""Finds things inside a Hugging Face classifier: matrices, head, layer norms."""

from collections.abc import Iterator, Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from finegates.gates.layout import GatedMatrix
from finegates.models.architectures import Architecture, architecture_of


def locate(model: PreTrainedModel, matrix: GatedMatrix) -> tuple[nn.Module, str]:
    """The module that holds a matrix, and the matrix's name in it."""
    architecture = architecture_of(model.config.model_type)
    path = f"{architecture.layers}.{matrix.layer}.{architecture.roles[matrix.role]}"
    parent, _, name = path.rpartition(".")
    return model.get_submodule(parent), name


def encoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """A model's layers, first to last."""
    layers = model.get_submodule(architecture_of(model.config.model_type).layers)
    assert isinstance(layers, nn.ModuleList)
    return layers


def stream_paths(model: PreTrainedModel) -> Iterator[str]:
    """Dotted paths of all that puts out as many numbers as the residual stream has, in order.

    What puts out the stream, and a head's first Linear whose outputs its last one reads: the config
    has one size for both.
    """
    architecture = architecture_of(model.config.model_type)
    yield start_of_stream(model, architecture)
    for number in range(len(encoder_layers(model))):
        yield from (f"{architecture.layers}.{number}.{path}" for path in architecture.norms)
    if answering_path(model, architecture) != architecture.reader:
        yield architecture.reader


def start_of_stream(model: nn.Module, architecture: Architecture) -> str:
    """The dotted path of what puts out the residual stream first."""
    names = {name for name, _ in model.named_modules()}
    return next(path for path in architecture.starts if path in names)


def replace_module(model: PreTrainedModel, path: str, module: nn.Module) -> None:
    """Puts a module in the place of another, in place."""
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def train_head_only(model: PreTrainedModel) -> None:
    """Freezes everything but the head."""
    model.requires_grad_(False)
    for path in architecture_of(model.config.model_type).head:
        model.get_submodule(path).requires_grad_(True)


def head_parameters(model: PreTrainedModel) -> Iterator[nn.Parameter]:
    """Parameters of the head."""
    for path in architecture_of(model.config.model_type).head:
        yield from model.get_submodule(path).parameters()


def answering_linear(model: PreTrainedModel) -> tuple[str, nn.Linear]:
    """The head's last Linear, whose outputs are the model's, and its name in the model."""
    path = answering_path(model, architecture_of(model.config.model_type))
    linear = model.get_submodule(path)
    assert isinstance(linear, nn.Linear)
    return path, linear


def answering_path(model: nn.Module, architecture: Architecture) -> str:
    """The dotted path of the head's last Linear, whose outputs are the model's."""
    return [
        name
        for path in architecture.head
        for name, module in model.get_submodule(path).named_modules(prefix=path)
        if isinstance(module, nn.Linear)
    ][-1]


@torch.no_grad()
def order_outputs(model: PreTrainedModel, order: Sequence[int]) -> None:
    """Gives a model its outputs in another order, in place: the one at ``order[i]`` becomes i."""
    _, linear = answering_linear(model)
    for tensor in (linear.weight, linear.bias):
        tensor.copy_(tensor[list(order)])


def encoder_layer_norms(model: PreTrainedModel) -> Iterator[nn.LayerNorm]:
    """Layer norms of the encoder's layers; that of the embeddings is not one of them."""
    return (m for m in encoder_layers(model).modules() if isinstance(m, nn.LayerNorm))
