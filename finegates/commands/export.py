"""``export``: a finished run as a smaller model that loads like any other."""

import argparse
from typing import Any

from finegates.commands.cuts import add_cut, cut_of_run
from finegates.commands.options import (
    add_command,
    add_runs_dir,
    opened_run,
    print_json,
)
from finegates.exporting.package import FORMAT_FILES, GGUF_FILE

_MORE = (
    "Without a cut the gates are taken as training left them. The folder holds config, "
    "safetensors, tokenizer and a model card; after `import finegates.auto` the Auto classes and "
    "pipelines of transformers load it. With --standalone they load it without finegates, too."
)


def add(commands: Any) -> None:
    """Adds the command."""
    help = "write a finished run as a smaller model"
    parser = add_command(commands, "export", help, _export, _MORE)
    add_runs_dir(parser)
    parser.add_argument("run", help="the run's id")
    add_cut(parser, required=False)
    parser.add_argument("--out", required=True, help="a new or empty folder")
    for name, file in FORMAT_FILES.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"write {file}, too")
    parser.add_argument(
        "--standalone",
        action="store_true",
        help="write the code that loads it, too: then finegates need not be installed to use it",
    )
    parser.add_argument(
        "--plain",
        action="store_true",
        help="write the stock class of its type, too, in the folder plain: every runtime loads it, "
        "but it keeps, as zeros, what its config can't say",
    )
    parser.add_argument(
        "--gguf",
        action="store_true",
        help=f"write {GGUF_FILE}, too, which llama.cpp runs: of a language model of type llama",
    )
    parser.add_argument(
        "--measure",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure score and speed for the card, where the run has no record. Default: yes.",
    )
    parser.add_argument("--tuned-for", default="cpu", help="cpu or cuda. Default: cpu.")


def _export(options: argparse.Namespace) -> int:
    run = opened_run(options)
    from finegates.exporting.export import export  # torch loads here
    from finegates.jobs.tasks import reported

    facts = export(
        run,
        options.out,
        cut=cut_of_run(options, run),
        formats=[name for name in FORMAT_FILES if getattr(options, name)],
        standalone=options.standalone,
        plain=options.plain,
        gguf=options.gguf,
        device=options.tuned_for,
        measured=options.measure,
        progress=reported(),
    )
    print_json({"run": run.id, **facts})
    return 0
