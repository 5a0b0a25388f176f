"""``fit``: the smallest model within a tolerance of the score, found by trainings in the queue."""

import argparse
import time
from pathlib import Path
from typing import Any

from finegates.commands.follow import INTERRUPTED, looks, print_line
from finegates.commands.options import (
    add_command,
    add_runs_dir,
    add_settings,
    given_settings,
    percent,
    print_json,
    runs_dir_of,
)
from finegates.data.metric_kinds import scaled_text
from finegates.errors import SpecError

DEFAULT_MAX_DROP = 1.0
_MORE = (
    "A dense reference is trained first; then gated runs start from it at targets that bracket the "
    "largest removal within the tolerance, with more seeds where it is close. Half of the "
    "validation rows decide, the answer is about the other half. The same command, or --name "
    "alone, goes on where it was."
)


def add(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(commands, "fit", "find the smallest model within a tolerance", _fit, _MORE)
    add_runs_dir(parser)
    parser.add_argument(
        "--max-drop",
        type=float,
        help="points of the score, in percent, that may be lost against the dense reference. "
        f"Default: {DEFAULT_MAX_DROP:g}.",
    )
    parser.add_argument("--most-trainings", type=int, help="no more gated trainings than this")
    parser.add_argument("--name", help="name of the search; default: fit-<date>-<task>")
    add_settings(parser, without=("target_sparsity", "teacher"))


def _fit(options: argparse.Namespace) -> int:
    from finegates.fitting.drive import drive
    from finegates.fitting.fit import answer_of
    from finegates.fitting.words import sentence

    runs_dir = runs_dir_of(options)
    fit = _asked(options, runs_dir)
    print_line(f"search {fit.name}: at most {100 * fit.max_drop:g} points below the reference")
    try:
        fit = drive(fit, runs_dir, looks(runs_dir), _Told())
    except KeyboardInterrupt:
        print_line(
            f"\nThe run at work goes on. To come back: python -m finegates fit --name {fit.name}"
        )
        return INTERRUPTED
    answer = answer_of(fit, runs_dir)
    print_line(sentence(fit, answer))
    if answer.run:
        print_line(f"The model: python -m finegates export {answer.run} --out FOLDER")
    print_json({"fit": fit.name, **answer.to_dict()})
    return 0


def _asked(options: argparse.Namespace, runs_dir: Path) -> Any:
    """The search of that name, or a new one."""
    from finegates.commands.findings import print_findings
    from finegates.fitting.file import MOST_TRAININGS, create_fit, new_name, open_fit
    from finegates.spec import make_spec

    settings = given_settings(options)
    seed = settings.pop("seed", 0)
    if options.name is not None and not options.name.strip():
        raise SpecError("name is empty; give one, or leave --name out.")
    if options.name and not settings and options.max_drop is None:
        return open_fit(runs_dir, options.name)
    spec = make_spec(settings)  # says what is wrong before anything is made
    print_findings(spec)
    name = options.name or new_name(spec.task)
    max_drop = DEFAULT_MAX_DROP if options.max_drop is None else options.max_drop
    most = MOST_TRAININGS if options.most_trainings is None else options.most_trainings
    return create_fit(
        runs_dir, name, max_drop / 100, settings, seed=seed, most_trainings=most
    )  # fmt: skip


class _Told:
    """Prints a line when the run at work, its state or its score is another one."""

    def __init__(self) -> None:
        self._shown: Any = None

    def __call__(self, run: Any) -> None:
        status = run.status()
        now = (run.id, status.state, status.score)
        if now == self._shown:
            return
        self._shown = now
        score = (
            ""
            if status.score is None
            else f", {status.metric} {scaled_text(status.score, status.metric)}"
        )
        target = run.spec.target_sparsity
        what = f"{percent(target)} removed, seed {run.spec.seed}" if target else "reference"
        print_line(f"{time.strftime('%H:%M:%S')}  {what}: {status.state}{score}")
