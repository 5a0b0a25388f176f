"""Which output of a fine-tuned classifier stands for which label, by name. Loads no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finegates.errors import ModelError, shortened
from finegates.models.architectures import architecture_of
from finegates.models.sources import EMBEDDED_MODEL, find_model
from finegates.models.weights import tensor_names

_GENERIC = "LABEL_"
_SHOWN = 12
"""Labels of a list in a message."""


def order_by_name(outputs: Sequence[str], labels: Sequence[str]) -> tuple[int, ...] | None:
    """For each label the output of the same name; None unless the names pair up one to one.

    Names are compared exactly, and if that does not pair them up, without case and outer blanks.

    Args:
        outputs: Names of a model's outputs, in its order.
        labels: The data's class names, in theirs.
    """
    for same in (str, lambda name: name.strip().casefold()):
        places = {same(name): place for place, name in enumerate(outputs)}
        wanted = [same(label) for label in labels]
        as_many = len(places) == len(outputs) == len(set(wanted)) == len(labels)
        if as_many and places.keys() == set(wanted):
            return tuple(places[name] for name in wanted)
    return None


def output_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of a classifier's outputs in their order; ``LABEL_0`` ... where its config has none."""
    names = config.get("id2label")
    if isinstance(names, Mapping) and all(str(key).isdecimal() for key in names):
        by_id = {int(key): str(name) for key, name in names.items()}
        if sorted(by_id) == list(range(len(by_id))) and by_id:
            return tuple(by_id[i] for i in range(len(by_id)))
    number = config.get("num_labels")
    return tuple(f"{_GENERIC}{i}" for i in range(number if isinstance(number, int) else 2))


def kept_order(
    config: Mapping[str, Any], labels: Sequence[str], problem: str
) -> tuple[int, ...] | None:
    """`order_by_name` of a model that only may be a classifier of these labels.

    Args:
        config: Its config.json.
        labels: The data's class names; empty for a regression.
        problem: ``classification`` or ``regression``, whose unit no config says.
    """
    return None if problem == "regression" else order_by_name(output_names(config), labels)


def started_order(
    name: str,
    outputs: Sequence[str],
    labels: Sequence[str],
    problem: str,
    start_labels: Sequence[str] = (),
) -> tuple[int, ...]:
    """For each label the output of the model that a run starts from.

    Args:
        name: That model or run, for messages.
        outputs: Names of its outputs, in its order; one of any name for a number.
        labels: The data's class names; empty for a regression.
        problem: ``classification`` or ``regression``.
        start_labels: The user's answer: the data's class of each output.

    Raises:
        ModelError: As a question that says how to answer it, if the names do not pair up.
    """
    without = "or, to start from its weights with a new head, give it as model, not as start_from"
    if problem == "regression":
        if len(outputs) == 1 and not start_labels:
            return (0,)
        raise ModelError(
            f"The labels are numbers, but '{name}' answers {_listed(outputs)}. Start from a model "
            f"of one output without start_labels, {without}."
        )
    if start_labels:
        if len(start_labels) == len(outputs) and (order := order_by_name(start_labels, labels)):
            return order
        raise ModelError(
            f"start_labels is {_listed(start_labels)}; it has to name each class of the data "
            f"({_listed(labels)}) once, in the order of the {len(outputs)} outputs of '{name}' "
            f"({_listed(outputs)})."
        )
    if order := order_by_name(outputs, labels):
        return order
    if len(outputs) != len(labels):
        raise ModelError(
            f"'{name}' answers {len(outputs)} labels ({_listed(outputs)}), the data has "
            f"{len(labels)} ({_listed(labels)}). Give data of the same labels, {without}."
        )
    raise ModelError(
        f"Which output of '{name}' is which class? Its outputs are, in their order, "
        f"{_listed(outputs)}; the classes of the data are {_listed(labels)}. Say with start_labels "
        "which class each output is, in the order of the outputs "
        f"(--start-labels {shortened(','.join(labels))} if they stand in the order just named), "
        f"{without}."
    )


def check_has_head(name: str, config: Mapping[str, Any]) -> None:
    """Raises ModelError if a folder holds no trained head, as a pretrained model does not.

    Args:
        name: A model; one of the hub is not looked at before it is loaded.
        config: Its config.json.
    """
    source = find_model(name)
    if not source.is_local:
        return
    head = architecture_of(str(config.get("model_type", ""))).head[-1]
    tensors = () if name == EMBEDDED_MODEL else tensor_names(name, Path(source.location))
    if not any(tensor.startswith(f"{head}.") for tensor in tensors):
        raise no_head(name)


def no_head(name: str) -> ModelError:
    """The error for a model that has nothing to start from."""
    return ModelError(
        f"'{name}' has no trained head, so it is no fine-tuned classifier to start from; give it "
        "as model, or give the folder that save_pretrained wrote after fine-tuning."
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(shortened(name, most=40) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
