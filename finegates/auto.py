"""Loads shrunk models. Importing this module lets transformers' Auto classes and pipelines do it.

import finegates.auto
model = AutoModelForSequenceClassification.from_pretrained(folder)
"""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from finegates.shrinking.models import MODELS


def register() -> None:
    """Registers every shrunk class; it is done once, when this module is imported."""
    for model in MODELS.values():
        config: Any = model.config_class
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModelForSequenceClassification.register(config, model, exist_ok=True)


def load(folder: str | Path, **settings: Any) -> PreTrainedModel:
    """A model that ``shrink(model).save_pretrained(folder)`` or an export has written.

    Args:
        folder: Of the smaller model; a dense classifier's loads as well.
        settings: Of transformers' ``from_pretrained``, such as ``dtype``.

    Returns:
        The classifier, in evaluation mode.

    Raises:
        ModelError: If a shrunk model is damaged or incomplete.
        OSError: If the folder is missing, or holds no model.
    """
    return AutoModelForSequenceClassification.from_pretrained(str(folder), **settings)


register()
