"""``prune``: a finished run cut at one threshold or budget: counts, score, smaller model."""

import argparse
import sys
from typing import Any

from finegates.commands.cuts import add_cut, cut_of_run
from finegates.commands.options import (
    add_command,
    add_runs_dir,
    opened_run,
    percent,
    print_json,
)
from finegates.data.metric_kinds import scaled_name, scaled_text
from finegates.gates.cuts import cut_of
from finegates.runs.label_errors import error_words
from finegates.spec import FIELDS

_MORE = (
    "Nothing is trained. The score is that of the smaller model on the run's validation rows; it "
    "is kept in the run's curve.json, next to that of nothing removed. --out saves the model, as "
    "export does."
)


def add(commands: Any) -> None:
    """Adds the command."""
    help = "cut a finished run's gates off at a threshold or a budget"
    parser = add_command(commands, "prune", help, _prune, _MORE)
    add_runs_dir(parser)
    parser.add_argument("run", help="the run's id")
    add_cut(parser, required=True)
    parser.add_argument("--out", help="save the smaller model in this new folder")
    parser.add_argument("--device", default="auto", help=FIELDS["device"].metadata["help"])
    parser.add_argument("--json", action="store_true", help="print the JSON line only")


def _prune(options: argparse.Namespace) -> int:
    from finegates.jobs.inputs import check_device
    from finegates.machine.devices import matching_devices

    cut_of(vars(options))  # what is out of range is said before anything is looked for
    run = opened_run(options)
    check_device(options.device)
    cut = cut_of_run(options, run)
    assert cut is not None  # the parser wants one
    from finegates.exporting.export import export, place_for
    from finegates.files.progress import part
    from finegates.jobs.tasks import reported
    from finegates.measuring.evaluation import dense_and_cut  # torch loads here

    saves = options.out is not None
    if saves:
        place_for(run, options.out)  # before the long work
    progress = reported()
    scoring = part(progress, 0.0, 0.5) if saves else progress
    device = matching_devices(options.device)[0].name
    dense, point = dense_and_cut(run, cut, device, scoring)
    if not options.json:
        print("\n".join(_lines(dense, point, run.status().metric)), file=sys.stderr)
    saving = part(progress, 0.5, 1.0)
    saved = export(run, options.out, cut=cut, progress=saving) if saves else {}
    print_json({"run": run.id, "dense": dense, "pruned": point, **saved})
    return 0


def _lines(dense: dict[str, Any], point: dict[str, Any], metric: str) -> list[str]:
    rows = {
        "gates closed": f"{point['closed_gates']:,} ({percent(point['closed_gates_fraction'])})",
        "weights removed": percent(point["removed_weights_fraction"]),
        "parameters": f"{dense['params']:,} -> {point['params']:,}",
        "multiply-accumulates": f"{point['mac_ratio']:.2f} times fewer at 128 tokens",
        scaled_name(metric): " -> ".join(scaled_text(p["score"], metric) for p in (dense, point)),
        "seconds": f"{point['seconds']:.1f}",
    }
    if errors := error_words(point["metrics"]):
        rows["label's own unit"] = errors
    return [f"{name:22}{value}" for name, value in rows.items()]
