"""The registry of methods: a name, what it is, and the settings that make it what it is.

A method is a file of this folder with one ``METHOD``. Its settings are defaults of
``finegates.spec.RunSpec``; whatever the user gives wins over them. The registry loads no torch.
"""

from finegates.methods import (
    compacter,
    compacter_pp,
    finegates,
    finegates_attention,
    finegates_hinge,
    finegates_lora,
    finegates_lora_attention,
    finegates_lora_one_vector,
    finegates_lora_outside,
    finegates_official,
    finegates_one_vector,
    full,
    lora,
    lora_fa,
    lora_xs,
    magnitude,
    magnitude_full,
    sparta,
    vera,
)
from finegates.methods.method import Method

METHODS: dict[str, Method] = {
    module.METHOD.name: module.METHOD
    for module in (
        finegates,
        finegates_lora,
        finegates_lora_outside,
        finegates_attention,
        finegates_one_vector,
        finegates_lora_one_vector,
        finegates_lora_attention,
        finegates_hinge,
        finegates_official,
        magnitude,
        magnitude_full,
        full,
        lora,
        lora_fa,
        vera,
        lora_xs,
        sparta,
        compacter,
        compacter_pp,
    )
}
DEFAULT_METHOD = "finegates+lora"
"""What the frontier (benchmarks/frontier) shows best at every budget."""

__all__ = ["DEFAULT_METHOD", "METHODS", "Method"]
