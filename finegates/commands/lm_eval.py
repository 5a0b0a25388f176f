"""``lm-eval``: EleutherAI's evaluation harness, which then knows smaller models, too."""

import argparse
import sys
from typing import Any

from finegates.errors import ModelError

_WORDS = "--model hf --model_args pretrained=FOLDER --tasks NAME"


def add(commands: Any) -> None:
    """Adds the command, whose words are all the harness's own, ``--help`` among them."""
    parser = commands.add_parser(
        "lm-eval", help="score a language model by lm-evaluation-harness", add_help=False,
        prefix_chars="\0",
    )  # fmt: skip
    parser.add_argument("words", nargs="*")
    parser.set_defaults(command=_lm_eval)


def _lm_eval(options: argparse.Namespace) -> int:
    import finegates.auto  # noqa: F401  # the Auto classes that the harness uses learn of ours

    try:
        from lm_eval.__main__ import cli_evaluate
    except ImportError as error:
        raise ModelError(
            f"The harness is not installed ({error}); pip install 'finegates[lm-eval]' brings it."
        ) from error
    if not options.words:
        raise ModelError(f"Give the harness something to do: {_WORDS}.")
    sys.argv = ["lm-eval", *options.words]
    cli_evaluate()
    return 0
