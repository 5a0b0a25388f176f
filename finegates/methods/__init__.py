"""The registry of methods: a name, what it is, and the settings that make it what it is.

A method is a literal in ``gated.py`` or ``dense.py``. Its settings are defaults of
``finegates.spec.RunSpec``; whatever the user gives wins over them. The registry loads no torch.
"""

from finegates.methods.dense import DENSE
from finegates.methods.gated import GATED, WARM_METHOD, WARM_SETTINGS
from finegates.methods.method import Method

METHODS: dict[str, Method] = {method.name: method for method in (*GATED, *DENSE)}
DEFAULT_METHOD = "finegates+lora"
"""The best of those that leave the pretrained weights alone (benchmarks/frontier). From a
fine-tuned model `WARM_METHOD` keeps more."""

__all__ = ["DEFAULT_METHOD", "METHODS", "WARM_METHOD", "WARM_SETTINGS", "Method"]
