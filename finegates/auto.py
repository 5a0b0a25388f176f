"""Loads shrunk models. Importing this module lets transformers' Auto classes and pipelines do it.

import finegates.auto
model = AutoModelForSequenceClassification.from_pretrained(folder)
"""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from finegates.errors import ModelError
from finegates.shrinking.classes import CLASSES, auto_class


def register() -> None:
    """Registers every shrunk class; it is done once, when this module is imported."""
    for model in CLASSES:
        config: Any = model.config_class
        AutoConfig.register(config.model_type, config, exist_ok=True)
        auto_class(model).register(config, model, exist_ok=True)


def load(folder: str | Path, **settings: Any) -> PreTrainedModel:
    """A model that ``shrink(model).save_pretrained(folder)`` or an export has written.

    Args:
        folder: Of the smaller model; a dense classifier's loads as well.
        settings: Of transformers' ``from_pretrained``, such as ``dtype``. Code in the folder is not
            run, that of a standalone export neither: it is the same as here.

    Returns:
        The classifier, in evaluation mode.

    Raises:
        ModelError: If a shrunk model is damaged or incomplete, or a dense one lacks weights, its
            trained head among them.
        OSError: If the folder is missing, or holds no model.
    """
    settings.setdefault("trust_remote_code", False)  # without it transformers asks at the terminal
    model, report = AutoModelForSequenceClassification.from_pretrained(
        str(folder), output_loading_info=True, **settings
    )
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"'{folder}' lacks {len(missing)} weights of a {type(model).__name__}, the first is "
            f"{missing[0]}: they would be random. Give the folder of a trained classifier."
        )
    return model


register()
