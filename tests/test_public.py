"""The names that are promised, and what importing the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

import finegates
from tests.toy_models import toy_inputs, toy_model

HEAVY = ("torch", "transformers", "accelerate", "peft", "datasets", "numpy", "pandas")


def test_importing_the_package_loads_nothing_heavy():
    code = f"import finegates, sys; print([n for n in {HEAVY} if n in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]", answer.stderr


@pytest.mark.parametrize("name", finegates.__all__)
def test_every_promised_name_is_there_and_says_what_it_is(name):
    thing = getattr(finegates, name)
    assert name in dir(finegates)
    if not name.startswith("__") and not isinstance(thing, dict):
        assert thing.__doc__ and thing.__name__ == name


def test_type_checkers_know_the_same_names():
    tree = ast.parse(Path(finegates.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    known = {alias.asname for node in block.body for alias in node.names}
    assert known == set(finegates.__all__) - {"__version__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'shrnk'"):
        _ = finegates.shrnk


def test_a_smaller_model_is_saved_and_loaded_by_two_calls(tmp_path):
    model = toy_model()
    gates = finegates.attach_gates(model)
    gates.settled = True
    small = finegates.shrink(model, remove=0.4)
    small.save_pretrained(tmp_path)
    again = finegates.load(tmp_path)
    with torch.no_grad():
        wanted, got = small(**toy_inputs()).logits, again(**toy_inputs()).logits
    assert torch.equal(wanted, got) and not again.training
    assert isinstance(again, type(AutoModelForSequenceClassification.from_pretrained(tmp_path)))
