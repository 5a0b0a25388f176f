"""``params``: what is trained, counted from a model's config alone."""

import argparse
from typing import Any

from finegates.commands.options import add_command, print_json
from finegates.spec import FIELDS


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(commands, "params", "count trainable parameters", _params)
    model = FIELDS["model"]
    parser.add_argument("--model", default=model.default, help=model.metadata["help"])
    parser.add_argument("--json", action="store_true", help="print the JSON line only")


def _params(options: argparse.Namespace) -> int:
    from finegates.models.parameters import parameter_table
    from finegates.models.sources import model_sizes

    table = parameter_table(model_sizes(options.model))
    for row in [] if options.json else table["rows"]:
        source = f"printed: {row['printed']}" if row["printed"] else "computed"
        print(f"{row['trainable_params']:>12,}  {row['configuration']} [{source}]")
    print_json({"model": options.model, **table})
    return 0
