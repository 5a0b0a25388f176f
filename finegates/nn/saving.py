"""Gates of a model that belongs to no run, kept in a folder: what was trained, and no base weights.

gates.json         how the gates were attached, their law and layout
gates.safetensors  every trained tensor, the gates' state, and the budget's multiplier if any
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from finegates.errors import ModelError, RunError, first_line
from finegates.files.storage import read_json, write_json
from finegates.gates.laws import LAWS
from finegates.gates.layout import GateLayout
from finegates.nn.attach import GATES_NAME, Attachment, attach_gates, detach_gates, gates_of
from finegates.nn.gates import Gates

FORMAT_VERSION = 1
JSON_FILE, TENSORS_FILE = "gates.json", "gates.safetensors"


def save_gates(model: PreTrainedModel, folder: str | Path) -> None:
    """Writes what `load_gates` needs, next to the pretrained weights, to go on where training is.

    Args:
        model: With gates, trained or in the middle of it.
        folder: Made if it does not exist; files of an earlier call are replaced.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    gates = gates_of(model)
    content = {
        "format_version": FORMAT_VERSION,
        "model_type": model.config.model_type,
        "law": asdict(gates.law),  # type: ignore[call-overload]
        "layout": gates.layout.to_dict(),
        "attached": asdict(gates.attachment),
    }
    save_file(_own_state(model), folder / TENSORS_FILE)
    write_json(folder / JSON_FILE, content)


def load_gates(model: PreTrainedModel, folder: str | Path) -> Gates:
    """Attaches the gates that `save_gates` wrote and gives all trained tensors their values.

    Args:
        model: The pretrained model that they were trained on, without gates, with a head for as
            many labels.
        folder: Of `save_gates`.

    Returns:
        The gates, settled if they were.

    Raises:
        ModelError: If the folder is missing, damaged, or of another model.
    """
    folder = Path(folder)
    try:
        content = read_json(folder / JSON_FILE)
        tensors = load_file(folder / TENSORS_FILE)
        if content["format_version"] != FORMAT_VERSION:
            raise ModelError(f"{folder / JSON_FILE} is not of format {FORMAT_VERSION}.")
        law = type(LAWS[content["law"]["name"]])(**_fields(content["law"]))
        layout = GateLayout.from_dict(content["layout"])
        attachment = Attachment(**_fields(content["attached"]))
    except (RunError, OSError, SafetensorError, LookupError, TypeError) as error:
        raise ModelError(f"The gates in {folder} can't be read: {first_line(error)}") from error
    gates = attach_gates(model, law, **asdict(attachment))
    try:
        _fill(model, layout, tensors, folder)
    except ModelError:
        detach_gates(model)
        raise
    return gates


def _fill(
    model: PreTrainedModel, layout: GateLayout, tensors: dict[str, Tensor], folder: Path
) -> None:
    own = _own_state(model)
    fits = all(n in tensors and tensors[n].shape == t.shape for n, t in own.items())
    if not fits or gates_of(model).layout != layout:
        raise ModelError(
            f"The gates in {folder} are of another model: type, sizes, or the number of labels "
            "differ. Load them onto the pretrained model that they were trained on."
        )
    model.load_state_dict(tensors, strict=False)


def _own_state(model: PreTrainedModel) -> dict[str, Tensor]:
    """All that is trained, and the state of the gates and of what drives them."""
    state = model.state_dict(keep_vars=True)
    names = (n for n, t in state.items() if t.requires_grad or n.startswith(f"{GATES_NAME}."))
    return {name: state[name].detach().cpu().contiguous() for name in names}


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Of a dataclass that was written as JSON, which knows no tuples."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
