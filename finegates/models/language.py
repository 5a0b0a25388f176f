"""Whether a model can be a causal language model, from its files alone. Loads no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finegates.errors import ModelError
from finegates.models.architectures import ARCHITECTURES, architecture_of
from finegates.models.sources import find_model
from finegates.models.weights import read_object

_TEMPLATES = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
_CONFIG = "tokenizer_config.json"
_KEY = "chat_template"


def check_language_model(name: str, config: Mapping[str, Any], *, chats: bool) -> None:
    """Raises ModelError if a model reads no text from left to right, or knows no chats.

    Args:
        name: The model, for messages.
        config: Content of its config.json.
        chats: Whether it has to write chats by a template of its own.
    """
    kind = str(config.get("model_type"))
    if not architecture_of(kind).is_decoder:
        decoders = ", ".join(t for t, a in ARCHITECTURES.items() if a.is_decoder)
        raise ModelError(
            f"'{name}' is a {kind} model, whose tokens see those after them too, so it predicts no "
            f"next token. Language tasks need a decoder, of one of the types {decoders}."
        )
    if chats and has_chat_template(name) is False:
        raise ModelError(
            f"The tokenizer of '{name}' has no chat template, which says how a chat is written. "
            "Choose a model that was trained on chats, or give columns of prompts and answers."
        )


def has_chat_template(name: str) -> bool | None:
    """Whether a model's tokenizer knows how chats are written; None if it is not a folder here."""
    source = find_model(name)
    if not source.is_local:
        return None
    folder = Path(source.location)
    if any((folder / file).exists() for file in _TEMPLATES):
        return True
    path = folder / _CONFIG
    return path.is_file() and bool(read_object(name, path).get(_KEY))
