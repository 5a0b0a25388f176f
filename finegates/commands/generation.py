"""``bench --prefill --decode``: how a causal language model writes, dense and shrunk."""

import argparse
import sys
from typing import Any

from finegates.commands.cuts import cut_of_model
from finegates.commands.options import opened_run, print_json
from finegates.commands.timed import timed_model
from finegates.errors import SpecError
from finegates.runs.measurements import keep_generation

PREFILL, DECODE = 512, 64
"""Tokens of a prompt and new ones, where only one of them is given."""
_UNFIT = ("onnx", "int8", "cuda_graphs", "compile")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that make it a matter of writing."""
    parser.add_argument(
        "--prefill", type=int, metavar="TOKENS",
        help=f"of a causal language model: read a prompt of so many tokens. Default: {PREFILL}, "
        "if --decode is given.",
    )  # fmt: skip
    parser.add_argument(
        "--decode", type=int, metavar="TOKENS",
        help=f"and write so many after it, one by one. Default: {DECODE}, if --prefill is given.",
    )  # fmt: skip


def is_asked(options: argparse.Namespace) -> bool:
    """Whether writing is to be timed."""
    return options.prefill is not None or options.decode is not None


def bench_writing(options: argparse.Namespace) -> int:
    """Times it, keeps it with its run if it is one's, and prints the result."""
    from finegates.jobs.tasks import reported
    from finegates.measuring.generation import Writing, generation_bench
    from finegates.runs.provenance import hardware_of, recorded_versions

    writing = Writing(
        _given(options, "batch_size", 1), _given(options, "prefill", PREFILL),
        _given(options, "decode", DECODE),
    )  # fmt: skip
    if unfit := [name for name in _UNFIT if getattr(options, name)]:
        raise SpecError(
            f"--{unfit[0].replace('_', '-')} is for one pass over whole rows; leave it out, or "
            "leave out --prefill and --decode."
        )
    model, _ = timed_model(options, language_model=True)
    result = generation_bench(
        model, cut_of_model(options, model), writing, dtype=options.dtype, device=options.device,
        repeats=options.repeats, progress=reported(),
    )  # fmt: skip
    result |= hardware_of(options.device)
    if options.run:
        keep_generation(opened_run(options), result)
    if not options.json:
        print("\n".join(_lines(result)), file=sys.stderr)
    print_json({**result, "versions": recorded_versions()})
    return 0


def _given(options: argparse.Namespace, name: str, default: int) -> int:
    value = getattr(options, name)
    value = default if value is None else value
    if value < 1:
        raise SpecError(f"{name} is {value}; it has to be 1 or more.")
    return int(value)


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [result["busy_why"]] if result["busy"] else []
    for phase in ("prefill", "decode"):
        dense, shrunk = (result[f"{phase}_{name}_tokens_per_s"] for name in ("dense", "shrunk"))
        lines.append(
            f"{phase}: {dense:,.1f} tokens a second dense, {shrunk:,.1f} shrunk; speed-up "
            f"{result[f'{phase}_speedup']:.2f}, ceiling {result[f'{phase}_ideal']:.2f}, realised / "
            f"ideal {result[f'{phase}_realised_over_ideal']:.2f}"
        )
    cached = [result[f"kv_bytes_per_token_{name}"] for name in ("dense", "shrunk")]
    lines.append(f"cached of a token: {cached[0]:,} bytes dense, {cached[1]:,} shrunk")
    return lines
