"""The registry of methods: a name, what it is, and the settings that make it what it is.

A method is a file of this folder with one ``METHOD``. Its settings are defaults of
``finegates.spec.RunSpec``; whatever the user gives wins over them. The registry loads no torch.
"""

from finegates.methods import finegates, finegates_hinge, finegates_lora, finegates_official
from finegates.methods.method import Method

METHODS: dict[str, Method] = {
    module.METHOD.name: module.METHOD
    for module in (finegates, finegates_lora, finegates_hinge, finegates_official)
}
DEFAULT_METHOD = "finegates"

__all__ = ["DEFAULT_METHOD", "METHODS", "Method"]
