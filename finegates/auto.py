"""Importing this module lets transformers' Auto classes and pipelines load shrunk models.

import finegates.auto
model = AutoModelForSequenceClassification.from_pretrained(folder)
"""

from typing import Any

from transformers import AutoConfig, AutoModelForSequenceClassification

from finegates.shrinking.models import MODELS


def register() -> None:
    """Registers every shrunk class; it is done once, when this module is imported."""
    for model in MODELS.values():
        config: Any = model.config_class
        AutoConfig.register(config.model_type, config, exist_ok=True)
        AutoModelForSequenceClassification.register(config, model, exist_ok=True)


register()
