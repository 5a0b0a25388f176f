"""``compress``: a fine-tuned model made smaller, and what that costs it on the user's rows."""

import argparse
import sys
from typing import Any

from finegates.commands.options import (
    add_command,
    add_runs_dir,
    add_settings,
    given_settings,
    print_json,
    runs_dir_of,
)
from finegates.jobs.compress import STARTED, compression

_MORE = (
    "Starts from a classifier that is fine-tuned already, its head kept and its outputs matched "
    "with the data's labels by name; scores it as it is, trains all weights while gates close, and "
    "compares both on the validation rows, row by row. Memory: AdamW keeps two numbers for every "
    "weight; --method finegates+lora needs far less. The last line is JSON: the run's row with "
    "reference_score, score, drop, drop_low and drop_high."
)


def add(commands: Any) -> None:
    """Adds the command."""
    help = "make a fine-tuned model smaller"
    parser = add_command(commands, "compress", help, _compress, _MORE)
    add_runs_dir(parser)
    parser.add_argument(
        "start_from", metavar="FOLDER", help="that save_pretrained wrote, or a dense run's id"
    )
    parser.add_argument(
        "--remove", type=float, required=True, help="fraction of the gated weights, 0 to 0.95"
    )
    add_settings(parser, without=STARTED)


def _compress(options: argparse.Namespace) -> int:
    from finegates.commands.train import train_here
    from finegates.data.splits import load_splits

    given = given_settings(options)
    given.pop("start_from", None)  # the folder, which is no flag here
    num_train = len(load_splits(compression(options.start_from, options.remove, given)).train)
    spec = compression(options.start_from, options.remove, given, num_train)
    run = train_here(spec, runs_dir_of(options))
    status = run.status()
    result = run.row()
    if status.state == "finished":
        result |= _compared(run)
    print_json(result)
    return 1 if status.state == "failed" else 0


def _compared(run: Any) -> dict[str, Any]:
    """How much the smaller model loses, as fractions; said on stderr, too."""
    from finegates.data.metric_kinds import loss_unit, scaled_name, scaled_text
    from finegates.measuring.paired import paired_drop
    from finegates.runs.predictions import read_predictions

    found, metric = read_predictions(run.path), run.status().metric
    assert found.answers is not None and found.reference is not None
    drop = paired_drop(metric, found.labels, [found.reference], [found.answers])
    told = "tell" if drop.tells_one_point else "can't tell"
    interval = f"95% interval {100 * drop.low:.1f} to {100 * drop.high:.1f}"
    print(
        f"{scaled_name(metric)}: {scaled_text(drop.reference, metric)} before, "
        f"{scaled_text(drop.score, metric)} after; lost "
        f"{100 * drop.drop:.1f} {loss_unit(metric)}, {interval}. "
        f"These {drop.rows:,} validation rows {told} one point from none; about "
        f"{drop.rows_for_one_point:,} would.",
        file=sys.stderr,
    )
    return {name: value for name, value in drop.to_dict().items() if name != "p_value"}
