"""``bench``: dense, masked and shrunk, side by side."""

import argparse
import sys
from functools import partial
from typing import Any

from finegates.commands import generation
from finegates.commands.cuts import add_cut, cut_of_model
from finegates.commands.options import (
    add_command,
    add_runs_dir,
    opened_run,
    print_json,
)
from finegates.commands.timed import timed_model
from finegates.errors import SpecError
from finegates.gates.units import CHOICES
from finegates.runs.folder import Run
from finegates.runs.layer_times import read_layer_times, write_layer_times
from finegates.runs.measurements import keep_timing

_MORE = (
    "Passes alternate in one process after a warm-up; a speed-up is the median ratio of "
    "neighbouring passes. The ceiling is the ratio of multiply-accumulates that the gates leave at "
    "least; the shrunk model may compute more, where copies or padding are quicker. ONNX shrunk is "
    "compared with ONNX dense, on as many threads as torch has. int8 is dynamic: weights of "
    "products in 8 bit, one scale for each output, their inputs rounded as they come."
)
ROWS = 32
_NAMES = (
    "dense", "masked", "shrunk", "torch_int8_dense", "torch_int8_shrunk", "onnx_dense",
    "onnx_shrunk", "int8_dense", "int8_shrunk",
)  # fmt: skip


def add(commands: Any) -> None:
    """Adds the command."""
    help = "time a model dense, with masks and shrunk"
    parser = add_command(commands, "bench", help, _bench, _MORE)
    add_runs_dir(parser)
    parser.add_argument("run", nargs="?", help="a finished run's id; or give --model")
    parser.add_argument("--model", help="a model's name or folder, with random unequal gates")
    parser.add_argument(
        "--units",
        help=f"what the random gates of --model stand for: {', '.join(CHOICES)}; the first is the "
        "default",
    )
    parser.add_argument(
        "--uniform", action="store_true", help="as many of --model's gates in every layer"
    )
    parser.add_argument(
        "--random-weights", action="store_true", help="build the model from its config alone"
    )
    parser.add_argument(
        "--random-gates", action="store_true", help="what --model has in any case: drawn gates"
    )
    add_cut(parser, required=False)
    parser.add_argument(
        "--batch-size", type=int, help="rows. Default: 32; with --prefill or --decode 1."
    )
    parser.add_argument("--seq-len", type=int, default=128, help="tokens of a row. Default: 128.")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--device", default="cpu", help="as torch names it. Default: cpu.")
    parser.add_argument("--repeats", type=int, default=10, help="passes of each. Default: 10.")
    parser.add_argument("--onnx", action="store_true", help="time both by onnxruntime, too")
    parser.add_argument(
        "--int8",
        action="store_true",
        help="as --onnx, and both in dynamic int8; of a run the scores of all four, too",
    )
    parser.add_argument(
        "--cuda-graphs",
        action="store_true",
        help="replay them as CUDA graphs; not kept with the run",
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile them with torch.compile first; not kept with the run",
    )
    generation.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print the JSON line only")


def _bench(options: argparse.Namespace) -> int:
    _check_model_or_run(options)
    from finegates.jobs.inputs import check_device

    if options.device != "cpu":
        check_device(options.device)
    if generation.is_asked(options):
        return generation.bench_writing(options)
    if options.batch_size is None:
        options.batch_size = ROWS
    for name in ("batch_size", "seq_len", "repeats"):
        if getattr(options, name) < 1:
            raise SpecError(f"{name} is {getattr(options, name)}; it has to be 1 or more.")
    from finegates.jobs.tasks import reported
    from finegates.measuring.bench import bench  # torch loads here
    from finegates.runs.provenance import hardware_of, recorded_versions

    model, tokenizer = timed_model(options)
    cut = cut_of_model(options, model)
    _check_length(options.seq_len, model)
    result = bench(
        model,
        cut,
        batch_size=options.batch_size,
        length=options.seq_len,
        dtype=options.dtype,
        device=options.device,
        repeats=options.repeats,
        onnx=options.onnx,
        int8=options.int8,
        **_scored(options, tokenizer),
        cuda_graphs=options.cuda_graphs,
        compiled=options.compile,
        progress=reported(),
    )
    result |= hardware_of(options.device)
    if not options.json:
        print("\n".join(_lines(result)), file=sys.stderr)
    if options.run and not (options.cuda_graphs or options.compile):
        run = opened_run(options)
        keep_timing(run, result)
        _keep_layer_times(run, model.config, options)
    print_json({**result, "versions": recorded_versions()})
    return 0


def _keep_layer_times(run: Run, config: Any, options: argparse.Namespace) -> None:
    """What a budget of time counts with, once for a run: the page then offers it."""
    if read_layer_times(run.path) is not None:
        return
    from finegates.measuring.layer_times import layer_times

    shape = {"batch_size": options.batch_size, "length": options.seq_len}
    times = layer_times(config, options.device, **shape, language_model=run.spec.is_language)
    write_layer_times(run.path, times)


def _scored(options: argparse.Namespace, tokenizer: Any) -> dict[str, Any]:
    """For a run in int8: it takes all that its tokenizer gives, and is scored once it is timed."""
    if not (options.run and options.int8):
        return {}
    from finegates.exporting.check import inputs_of
    from finegates.measuring.int8_result import int8_scores

    then = partial(int8_scores, opened_run(options), tokenizer)
    return {"onnx_inputs": inputs_of(tokenizer), "then": then}


def _check_length(length: int, model: Any) -> None:
    from finegates.nn.pretrained import longest_input

    if length > (longest := longest_input(model.config)):
        raise SpecError(f"seq_len is {length}; this model reads at most {longest} tokens.")


def _check_model_or_run(options: argparse.Namespace) -> None:
    if (options.run is None) == (options.model is None):
        raise SpecError("Give either a run's id or --model, and not both.")
    if options.run and (options.units or options.uniform or options.random_gates):
        raise SpecError(
            "--units, --uniform and --random-gates are for --model; a run has its own gates."
        )


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [
        f"{name:17} {1e3 * result[f'{name}_s']:9.1f} ms "
        f"({1e3 * result[f'{name}_p10_s']:.1f} to {1e3 * result[f'{name}_p90_s']:.1f})"
        f"{_file_of(result, name)}"
        for name in _NAMES
        if f"{name}_s" in result
    ]
    lines += [result["busy_why"]] if result["busy"] else []
    for what, before in (("speed-up", ""), ("ONNX speed-up", "onnx_")):
        if f"{before}speedup" in result:
            lines.append(
                f"{what} {result[f'{before}speedup']:.2f}, ceiling {result['mac_ratio']:.2f}, "
                f"realised / ideal {result[f'{before}realised_over_ideal']:.2f}"
            )
    if "int8_speedup" in result:
        lines += _int8_lines(result)
    return lines


def _file_of(result: dict[str, Any], name: str) -> str:
    """Size of a candidate's file and its score, as far as they are known."""
    size, score = result.get(f"{name}_bytes"), result.get(f"{name}_score")
    words = [f"{size / 1e6:.1f} MB"] if size else []
    words += [] if score is None else [f"{result['metric']} {score:.4f}"]
    return "".join(f", {word}" for word in words)


def _int8_lines(result: dict[str, Any]) -> list[str]:
    lines = [
        f"int8 speed-up {result['int8_speedup']:.2f}; of ONNX dense, dense in int8 is "
        f"{result['int8_dense_gain']:.2f} times as fast, shrunk in int8 "
        f"{result['int8_both_gain']:.2f} times"
    ]
    for name in ("int8_dense", "int8_shrunk"):
        agreement = result.get(f"{name}_agreement")
        same = "" if agreement is None else f", the same class in {100 * agreement:.1f}% of rows"
        lines.append(
            f"{name}: {result[f'{name}_products']} products int8, "
            f"{result[f'{name}_float_products']} float32; logits differ by up to "
            f"{result[f'{name}_max_logit_difference']:.3f} of the largest{same}"
        )
    return lines
