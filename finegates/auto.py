"""Loads shrunk models. Importing this module lets transformers' Auto classes and pipelines do it.

import finegates.auto
model = AutoModelForSequenceClassification.from_pretrained(folder)
"""

from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from finegates.errors import ModelError
from finegates.shrinking.classes import CLASSES, auto_class
from finegates.shrinking.decoder_models import LANGUAGE_MODEL


def register() -> None:
    """Registers every shrunk class; it is done once, when this module is imported."""
    for model in CLASSES:
        config: Any = model.config_class
        AutoConfig.register(config.model_type, config, exist_ok=True)
        auto_class(model).register(config, model, exist_ok=True)


def kind_of(folder: str | Path, *, trusted: bool = False) -> Any:
    """The Auto class of what is in a folder: of causal language models, or of classifiers.

    Args:
        folder: With a config.json, which names the model's class.
        trusted: Whether code in the folder may be run, for a type that is not ours.

    Raises:
        OSError: If there is none.
    """
    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=trusted)
    writes = any(name.endswith(LANGUAGE_MODEL) for name in config.architectures or ())
    return AutoModelForCausalLM if writes else AutoModelForSequenceClassification


def load(folder: str | Path, **settings: Any) -> PreTrainedModel:
    """A model that ``shrink(model).save_pretrained(folder)`` or an export has written.

    Args:
        folder: Of the smaller model; a dense one's loads as well.
        settings: Of transformers' ``from_pretrained``, such as ``dtype``. Code in the folder is not
            run, that of a standalone export neither: it is the same as here.

    Returns:
        A classifier, or the causal language model that its config names, in evaluation mode.

    Raises:
        ModelError: If a shrunk model is damaged or incomplete, or a dense one lacks weights, its
            trained head among them.
        OSError: If the folder is missing, or holds no model.
    """
    settings.setdefault("trust_remote_code", False)  # without it transformers asks at the terminal
    kind = kind_of(folder, trusted=settings["trust_remote_code"])
    model, report = kind.from_pretrained(str(folder), output_loading_info=True, **settings)
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"'{folder}' lacks {len(missing)} weights of a {type(model).__name__}, the first is "
            f"{missing[0]}: they would be random. Give the folder of a trained model."
        )
    return model


register()
