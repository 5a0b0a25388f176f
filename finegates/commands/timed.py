"""The model that ``bench`` times."""

import argparse
from typing import Any

from finegates.commands.options import opened_run
from finegates.gates.units import AUTO
from finegates.settings import words_of
from finegates.spec import CAUSAL_LM


def timed_model(options: argparse.Namespace, *, language_model: bool = False) -> tuple[Any, Any]:
    """A run's model and its tokenizer; or the one that is named with drawn gates, and None.

    Args:
        options: The flags of ``bench``.
        language_model: Whether the one that is named gets the head of a causal language model.
    """
    from finegates.measuring.candidates import attach_random_gates, random_model
    from finegates.nn.pretrained import load_pretrained
    from finegates.training.restore import restore_model

    if options.run:
        return restore_model(opened_run(options))
    task = ((), CAUSAL_LM) if language_model else (("no", "yes"), "classification")
    if options.random_weights:
        model = random_model(options.model, language_model=language_model)
    else:
        model, _ = load_pretrained(options.model, *task)
    units = words_of(options.units) if options.units else (AUTO,)
    attach_random_gates(model, units=units, uniform=options.uniform)
    return model.eval(), None
