"""``bench``: dense, masked and shrunk, side by side."""

import argparse
import sys
from typing import Any

from finegates.commands.options import (
    add_command,
    add_cut,
    add_runs_dir,
    opened_run,
    print_json,
)
from finegates.errors import SpecError
from finegates.gates.cuts import cut_of
from finegates.runs.measurements import keep_timing

_MORE = (
    "Passes alternate in one process after a warm-up; a speed-up is the median ratio of "
    "neighbouring passes. The ceiling is the ratio of multiply-accumulates that the gates leave at "
    "least; the shrunk model may compute more, where copies or padding are quicker. ONNX shrunk is "
    "compared with ONNX dense, on as many threads as torch has."
)


def add(commands: Any) -> None:
    """Adds the command."""
    help = "time a model dense, with masks and shrunk"
    parser = add_command(commands, "bench", help, _bench, _MORE)
    add_runs_dir(parser)
    parser.add_argument("run", nargs="?", help="a finished run's id; or give --model")
    parser.add_argument("--model", help="a model's name or folder, with random unequal gates")
    parser.add_argument(
        "--random-weights", action="store_true", help="build the model from its config alone"
    )
    add_cut(parser, required=False)
    parser.add_argument("--batch-size", type=int, default=32, help="rows. Default: 32.")
    parser.add_argument("--seq-len", type=int, default=128, help="tokens of a row. Default: 128.")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--device", default="cpu", help="as torch names it. Default: cpu.")
    parser.add_argument("--repeats", type=int, default=10, help="passes of each. Default: 10.")
    parser.add_argument("--onnx", action="store_true", help="time both by onnxruntime, too")
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
    parser.add_argument("--json", action="store_true", help="print the JSON line only")


def _bench(options: argparse.Namespace) -> int:
    for name in ("batch_size", "seq_len", "repeats"):
        if getattr(options, name) < 1:
            raise SpecError(f"{name} is {getattr(options, name)}; it has to be 1 or more.")
    from finegates.jobs.inputs import check_device

    if options.device != "cpu":
        check_device(options.device)
    from finegates.jobs.tasks import reported
    from finegates.measuring.bench import bench  # torch loads here
    from finegates.runs.provenance import hardware_of, recorded_versions

    cut, model = cut_of(vars(options)), _model(options)
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
        cuda_graphs=options.cuda_graphs,
        compiled=options.compile,
        progress=reported(),
    )
    result |= hardware_of(options.device)
    if not options.json:
        print("\n".join(_lines(result)), file=sys.stderr)
    if options.run and not (options.cuda_graphs or options.compile):
        keep_timing(opened_run(options), result)
    print_json({**result, "versions": recorded_versions()})
    return 0


def _check_length(length: int, model: Any) -> None:
    from finegates.nn.pretrained import longest_input

    if length > (longest := longest_input(model.config)):
        raise SpecError(f"seq_len is {length}; this model reads at most {longest} tokens.")


def _model(options: argparse.Namespace) -> Any:
    if (options.run is None) == (options.model is None):
        raise SpecError("Give either a run's id or --model, and not both.")
    from finegates.measuring.candidates import attach_random_gates, random_model
    from finegates.nn.pretrained import load_pretrained
    from finegates.training.restore import restore_model

    if options.run:
        return restore_model(opened_run(options))[0]
    if options.random_weights:
        model = random_model(options.model)
    else:
        model = load_pretrained(options.model, ("no", "yes"), "classification")[0]
    attach_random_gates(model)
    return model.eval()


def _lines(result: dict[str, Any]) -> list[str]:
    names = ("dense", "masked", "shrunk", "onnx_dense", "onnx_shrunk")
    lines = [
        f"{name:11} {1e3 * result[f'{name}_s']:9.1f} ms "
        f"({1e3 * result[f'{name}_p10_s']:.1f} to {1e3 * result[f'{name}_p90_s']:.1f})"
        for name in names
        if f"{name}_s" in result
    ]
    lines += [result["busy_why"]] if result["busy"] else []
    for what, before in (("speed-up", ""), ("ONNX speed-up", "onnx_")):
        if f"{before}speedup" in result:
            lines.append(
                f"{what} {result[f'{before}speedup']:.2f}, ceiling {result['mac_ratio']:.2f}, "
                f"realised / ideal {result[f'{before}realised_over_ideal']:.2f}"
            )
    return lines
