"""Loads a shrunk model whole or not at all: nothing that is missing is filled in at random."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from transformers import PreTrainedConfig

from finegates.errors import FineGatesError, ModelError, SpecError, first_line
from finegates.models.architectures import SHRUNK_PREFIX, Architecture, architecture_of
from finegates.models.weights import WEIGHTS_FILE, check_no_pointer
from finegates.shrinking.plan import LayerPlan

_AGAIN = "Export the run again, or copy the whole folder again."


def dense_type(model_type: str) -> str:
    """``"finegates-bert"`` -> ``"bert"``."""
    return model_type.removeprefix(SHRUNK_PREFIX)


def plans_of(config: PreTrainedConfig) -> list[LayerPlan]:
    """The layers of a shrunk model.

    Raises:
        SpecError: If the config lacks plans, has them for another number of layers, or they are
            damaged.
    """
    content = config.to_dict()
    layers = architecture_of(dense_type(content["model_type"])).size(content, "layers")
    for name in ("shrunk_layers", "shrunk_needs"):
        found = content.get(name)
        if not isinstance(found, list) or len(found) != layers:
            number = f"{len(found)} of them" if isinstance(found, list) else "none"
            raise SpecError(
                f"A config of type '{content['model_type']}' has to have '{name}' for each of its "
                f"{layers} layers; it has {number}."
            )
    return [LayerPlan.from_dict(plan) for plan in content["shrunk_layers"]]


def stream_width(config: PreTrainedConfig) -> int:
    """How many dimensions the residual stream of a shrunk model has.

    Raises:
        SpecError: If the config says a number that can't be.
    """
    content = config.to_dict()
    dense = architecture_of(dense_type(content["model_type"])).size(content, "hidden")
    width = content.get("shrunk_hidden")
    if width is not None and not (isinstance(width, int) and 1 <= width <= dense):
        raise SpecError(
            f"A config of type '{content['model_type']}' has shrunk_hidden = {width!r}; it has to "
            f"be a whole number from 1 to {dense}."
        )
    return width or dense


def load_whole(
    load: Callable[..., tuple[Any, Mapping[str, Any]]],
    source: str,
    model_type: str,
    options: dict[str, Any],
) -> tuple[Any, Mapping[str, Any]]:
    """Loads a model and checks that each of its tensors came from the file.

    Args:
        load: The loader of transformers, for this source; it returns a model and what it found.
        source: A folder or hub id, for messages.
        model_type: Of the shrunk class.
        options: Of the loader. With ``ignore_mismatched_sizes`` the head may be new.

    Raises:
        ModelError: If the folder lacks its weights, they are cut off, a git-lfs pointer, or do not
            fit its config.
    """
    new_head = options.pop("ignore_mismatched_sizes", False)
    try:
        model, report = load(**options, ignore_mismatched_sizes=True, output_loading_info=True)
    except FineGatesError as error:
        raise ModelError(f"'{source}' is no whole shrunk model: {error} {_AGAIN}") from error
    except (SafetensorError, OSError) as error:
        check_no_pointer(source, Path(source) / WEIGHTS_FILE)
        raise ModelError(
            f"The weights of '{source}' can't be read: {first_line(error).rstrip('.')}. A shrunk "
            f"model is a folder with config.json and model.safetensors. {_AGAIN}"
        ) from error
    _check(source, report, architecture_of(dense_type(model_type)), new_head)
    return model, report


def _check(
    source: str, report: Mapping[str, Any], architecture: Architecture, new_head: bool
) -> None:
    """Raises ModelError if a tensor is missing, of another shape, or without a place inside."""
    wrong = {key: "missing" for key in report["missing_keys"]}
    for key, found, wanted in report["mismatched_keys"]:
        wrong[key] = f"of shape {tuple(found)} instead of {tuple(wanted)}"
    unplaced = filter(architecture.in_encoder, report["unexpected_keys"])
    wrong |= dict.fromkeys(unplaced, "not in its plans")
    if new_head:
        wrong = {k: why for k, why in wrong.items() if not k.startswith(architecture.head)}
    if wrong:
        first = min(wrong)
        raise ModelError(
            f"The weights of '{source}' do not fit its config: {first} is {wrong[first]} "
            f"({len(wrong)} do not fit in all). {_AGAIN}"
        )
