"""The model and device boxes of New run and Sweep; what is chosen on one holds on the other."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.new import keys
from app.new.fields import help_of
from app.reading.machine import found_devices
from app.text import escape_markdown
from finegates.data.splits import TextSplits
from finegates.errors import ModelError
from finegates.machine.devices import CPU, Device, matching_devices
from finegates.models.language import check_language_model
from finegates.models.smollm2 import SMOLLM2
from finegates.models.sources import EMBEDDED_MODEL, check_model, model_sizes

EMBEDDED, CONVERTED = "MiniLM-L6 (embedded)", "SmolLM2-135M (converted)"
HUB, LOCAL = "Hugging Face id", "Local folder"
_BY_NAME = {
    EMBEDDED: (
        EMBEDDED_MODEL, "22.7 M parameters, 6 layers; comes with the program, no download."
    ),
    CONVERTED: (
        SMOLLM2, "134.5 M parameters, 30 layers; a decoder, its 4-bit weights unpacked here."
    ),
}  # fmt: skip
AUTO = "auto"


def choose_model() -> str:
    """The model's name as `RunSpec` wants it; empty while none is named."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    kind = left.selectbox(
        "Model", model_kinds(), key=keys.MODEL_KIND, help=help_of("model"),
        persist_state="session",
    )  # fmt: skip
    if kind in _BY_NAME:
        name, facts = _BY_NAME[kind]
        right.caption(facts)
        return name
    label, key, example = (
        ("Hub id", keys.HUB_ID, "FacebookAI/roberta-base")
        if kind == HUB
        else ("Folder", keys.MODEL_FOLDER, "/path/of/save_pretrained")
    )
    return right.text_input(label, key=key, placeholder=example, persist_state="session").strip()


def why_not(splits: TextSplits | None, model: str) -> str:
    """Shows and returns why a model can't learn from this data; empty where it can, or may."""
    if splits is None or not splits.is_language or not model:
        return ""
    try:
        config = model_sizes(model)
    except ModelError:  # said when it is checked whole
        return ""
    try:
        check_language_model(model, config, chats="messages" in splits.texts)
    except ModelError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return "The model can't learn from this data."
    return ""


def chosen_model() -> str:
    """What the boxes of `choose_model` hold, drawn or not; empty if no model is named."""
    kind = st.session_state.get(keys.MODEL_KIND) or EMBEDDED
    key = {HUB: keys.HUB_ID, LOCAL: keys.MODEL_FOLDER}.get(kind)
    return str(st.session_state.get(key) or "").strip() if key else _BY_NAME[kind][0]


def model_kinds() -> list[str]:
    """What the box offers; the converted model only where it can be used."""
    try:
        check_model(SMOLLM2)
    except ModelError:
        return [EMBEDDED, HUB, LOCAL]
    return [EMBEDDED, CONVERTED, HUB, LOCAL]


def choose_device(container: Any) -> str:
    """One of this machine's devices, or auto; a choice that is gone is said, and auto taken."""
    devices, problem = found_devices()
    labels = {AUTO: f"{AUTO} ({_taken_by_auto(devices)})"}
    labels |= {d.name: f"{d.name} ({d.description})" for d in devices}
    # A browser answers with the label it has, whose free memory may be that of before.
    wanted = str(st.session_state.get(keys.DEVICE) or AUTO).split(" ")[0]
    if wanted not in labels:
        st.session_state[keys.DEVICE_GONE] = wanted
    st.session_state[keys.DEVICE] = wanted if wanted in labels else AUTO
    chosen = container.selectbox(
        "Device", list(labels), format_func=labels.get, key=keys.DEVICE, persist_state="session",
        help=help_of("device"),
    )  # fmt: skip
    _say_if_gone(chosen, devices, problem)
    return chosen


def _say_if_gone(chosen: str, devices: Sequence[Device], problem: str) -> None:
    """Until another device is chosen, or the one that was gone is back."""
    gone = st.session_state.get(keys.DEVICE_GONE)
    if chosen != AUTO or gone in [device.name for device in devices]:
        st.session_state.pop(keys.DEVICE_GONE, None)
    elif gone:
        said = f"Device {gone} was chosen, but is not on this machine now; auto is chosen instead."
        st.warning(escape_markdown(f"{said} {problem}".rstrip()), icon=":material/warning:")


def _taken_by_auto(devices: Sequence[Device]) -> str:
    """What auto would be given now if every device were free: the most free memory."""
    best = matching_devices(AUTO, devices)[0].name
    return "CPU" if best == CPU else f"now {best}"
