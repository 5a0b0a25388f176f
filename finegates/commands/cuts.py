"""The cut that a command's flags ask for, counted as they say."""

import argparse
from typing import Any

import numpy as np

from finegates.errors import SpecError
from finegates.gates.counting import COUNTS, TIME, WEIGHTS
from finegates.gates.cuts import Cut, counted_cut, cut_of
from finegates.gates.layout import GateLayout
from finegates.runs.folder import Run


def add_cut(parser: argparse.ArgumentParser, required: bool) -> None:
    """Adds the flags of one cut."""
    cut = parser.add_mutually_exclusive_group(required=required)
    cut.add_argument("--remove", type=float, help="fraction of what --of says, 0 to below 1")
    cut.add_argument("--threshold", type=float, help="close gates up to this value, 0 to 1")
    parser.add_argument(
        "--of",
        choices=COUNTS,
        default=WEIGHTS,
        help="what --remove is a fraction of: the gated weights, all parameters, the "
        "multiply-accumulates for a row of 128 tokens, or the time of 32 such rows on this "
        f"machine, which is measured first. Default: {WEIGHTS}.",
    )


def cut_of_run(options: argparse.Namespace, run: Run) -> Cut | None:
    """The cut of a finished run; None if none is asked for.

    Raises:
        SpecError: If it is out of range, or more than all gates together remove.
    """
    if options.of == WEIGHTS:
        return cut_of(vars(options))
    from finegates.measuring.candidates import config_of  # torch loads here

    gates = run.snapshot()
    config, writes = config_of(run.spec.model), run.spec.is_language
    return _counted(options, config, gates.layout, gates.means, writes)


def cut_of_model(options: argparse.Namespace, model: Any) -> Cut | None:
    """The cut of a model with gates, as `cut_of_run`."""
    if options.of == WEIGHTS:
        return cut_of(vars(options))
    from finegates.nn.attach import gates_of

    gates = gates_of(model)
    means = gates.means_array()
    return _counted(options, model.config, gates.layout, means, model.can_generate())


def _counted(
    options: argparse.Namespace, config: Any, layout: GateLayout, means: np.ndarray, writes: bool
) -> Cut:
    if options.remove is None:
        raise SpecError(f"--of is {options.of}, but --remove does not say how much; give both.")
    from finegates.measuring.layer_times import layer_times
    from finegates.shrinking.counted import counting_of

    times = layer_times(config, language_model=writes) if options.of == TIME else None
    counting = counting_of(config, layout, options.of, times=times, language_model=writes)
    return counted_cut(layout, means, options.remove, counting)
