"""The model and device boxes of New run and Sweep; what is chosen on one holds on the other."""

from typing import Any

import streamlit as st

from app import loaders
from app.forms import help_of
from finegates.models import EMBEDDED_MODEL

EMBEDDED, HUB, LOCAL = "MiniLM-L6 (embedded)", "Hugging Face id", "Local folder"


def choose_model() -> str:
    """The model's name as `RunSpec` wants it; empty while none is named."""
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    kind = left.selectbox(
        "Model", [EMBEDDED, HUB, LOCAL], key="new_model_kind", help=help_of("model"),
        persist_state="session",
    )  # fmt: skip
    if kind == EMBEDDED:
        right.caption("22.7 M parameters, 6 layers; comes with the program, no download.")
        return EMBEDDED_MODEL
    label = "Hub id" if kind == HUB else "Folder"
    example = "FacebookAI/roberta-base" if kind == HUB else "/path/of/save_pretrained"
    return right.text_input(
        label, key=f"new_{label}", placeholder=example, persist_state="session"
    ).strip()


def choose_device(container: Any) -> str:
    """One of this machine's devices, or auto."""
    names = {"auto": "auto"} | {d.name: f"{d.name} ({d.description})" for d in loaders.devices()}
    return container.selectbox(
        "Device", list(names), format_func=names.get, key="new_device", persist_state="session",
        help=help_of("device"),
    )  # fmt: skip
