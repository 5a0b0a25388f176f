"""``export``: a finished run as a smaller model that loads like any other."""

import argparse
from pathlib import Path
from typing import Any

from finegates.commands.options import add_command, add_runs_dir, opened_run, print_json

_MORE = (
    "The folder holds config, safetensors, tokenizer and a model card; after `import "
    "finegates.auto` the Auto classes and pipelines of transformers load it."
)


def add(commands: Any) -> None:
    """Adds the command."""
    help = "write a finished run as a smaller model"
    parser = add_command(commands, "export", help, _export, _MORE)
    add_runs_dir(parser)
    parser.add_argument("run", help="the run's id")
    parser.add_argument(
        "--remove",
        type=float,
        help="fraction of the gated weights to remove. Default: as training left the gates.",
    )
    parser.add_argument("--out", type=Path, required=True, help="a new or empty folder")
    parser.add_argument("--onnx", action="store_true", help="write model.onnx, too")
    parser.add_argument("--tuned-for", default="cpu", help="cpu or cuda. Default: cpu.")


def _export(options: argparse.Namespace) -> int:
    run = opened_run(options)
    from finegates.export import export  # torch loads here

    facts = export(
        run, options.out, remove=options.remove, onnx=options.onnx, device=options.tuned_for
    )
    print_json({"run": run.id, **facts})
    return 0
