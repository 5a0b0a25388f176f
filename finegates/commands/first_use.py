"""What has to be done once before a command can use the model that it was given."""

import argparse
import sys

from finegates.models.smollm2 import COST, SMOLLM2, convert_for_use, converted_folder, is_converted


def make_ready(options: argparse.Namespace) -> None:
    """Converts the model ``smollm2`` if a command was given it and this machine lacks it.

    Raises:
        ModelError: If it can't be converted here.
    """
    if getattr(options, "model", None) == SMOLLM2 and not is_converted():
        print(f"Getting {SMOLLM2} into {converted_folder()}, once: {COST}.", file=sys.stderr)
        convert_for_use()
