"""Does pruning beat taking a smaller model? Scores on SST-2 next to times, all in one process.

    FINEGATES_CPU_WORKERS=2 python -m benchmarks.smaller_models.run train \
        --glue-dir PATH/glue_data --runs-dir runs/frontier [--seeds 0]
    python -m benchmarks.smaller_models.run measure --glue-dir PATH/glue_data \
        --runs-dir runs/frontier [--seeds 0] [--shapes 32x128,1x32] [--repeats 10]

MiniLM fine-tuned on 4,000 rows, the frontier's dense run, against what may be used in its place:
the model without the heads and neurons that gates have closed (the runs of
benchmarks/structures.py), dense models of fewer layers, what Torch-Pruning makes of it, and dynamic
int8 by ONNX Runtime, of the dense model and of smaller ones. What starts from the fine-tuned model
trains by the same settings for the same epochs and imitates that model; what starts from pretrained
layers trains, without a teacher, for the epochs of both trainings together. Train goes on where it
was; models that are no runs are kept next to the runs.

Scores are on the validation rows in the precision of training, ONNX Runtime's in its own. Speed-ups
are over the dense model by torch in float32; passes of all models take turns. Rows are written when
a shape is timed, into benchmarks/results/smaller_models.json. The last line printed is that JSON.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.frontier.plan import REFERENCE
from benchmarks.frontier.run import reference_of, wait_for
from benchmarks.int8 import about as about_int8
from benchmarks.record import read_result
from benchmarks.rows import add_row
from benchmarks.shrink import passes_of
from benchmarks.smaller_models.models import (
    Compared,
    compared_models,
    folder_of,
    prune_and_recover,
)
from benchmarks.smaller_models.plan import FEWER, PRUNED, TASK, group_of
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.exporting.check import inputs_of
from finegates.groups.store import Cell
from finegates.groups.sweep import start_sweep
from finegates.measuring.candidates import random_inputs
from finegates.measuring.int8_result import OnnxClassifier
from finegates.measuring.onnx_runtime import onnx_models, onnx_pass
from finegates.measuring.paired import paired_drop
from finegates.measuring.steadiness import Watch, steadiness
from finegates.measuring.timing import Pass, interleaved, ratios, spread
from finegates.runs.folder import Run, open_run
from finegates.settings import words_of
from finegates.shrinking.cost import num_parameters
from finegates.training.restore import restore_model, restore_splits
from finegates.training.scoring import Judge, answer_batches

RESULT = "smaller_models.json"
ABOUT = ("what", "choice", "start", "layers", "remove", "runtime", "precision", "seed")
KEY = (*ABOUT, "batch_size", "seq_len")
TORCH, ONNX_RUNTIME = "torch", "onnxruntime"


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, or measures and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("do", choices=("train", "measure"))
    parser.add_argument("--glue-dir", required=True)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--shapes", default="32x128,1x32", help="rows x tokens, of measure")
    parser.add_argument("--repeats", type=int, default=10, help="of measure")
    options = parser.parse_args(arguments)
    # in the environment rather than in the specs, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    runs_dir = options.runs_dir.resolve()
    for seed in map(int, words_of(options.seeds)):
        reference = open_run(runs_dir, reference_of(TASK, seed, runs_dir))
        if options.do == "train":
            train(reference)
            continue
        for row in measure(reference, words_of(options.shapes), options.repeats):
            print(row, file=sys.stderr, flush=True)
            add_row(RESULT, row, KEY, about_int8(reference.spec.model))
    if options.do == "measure":
        print(json.dumps(read_result(RESULT)))


def train(reference: Run) -> None:
    """Trains what is missing: models of fewer layers through the queue, then the pruned ones."""
    runs_dir, seed = reference.path.parent, reference.spec.seed
    groups = []
    for fewer in FEWER:
        settings = fewer.settings(reference, folder_of(fewer, reference))
        cells = [Cell(REFERENCE, 0.0, seed)]
        groups.append(start_sweep(runs_dir, group_of(fewer, seed), settings, cells))
    wait_for(groups, runs_dir)
    for pruned in PRUNED:
        prune_and_recover(pruned, reference)


@dataclass(frozen=True)
class Form:
    """A compared model in one runtime and precision: for scoring, and for timing."""

    about: dict[str, Any]
    classifier: Any
    onnx: Any = None

    def timed(self, inputs: dict[str, torch.Tensor]) -> Pass:
        """What runs it on these inputs once."""
        return onnx_pass(self.onnx, inputs) if self.onnx else lambda: self.classifier(**inputs)


def measure(reference: Run, shapes: Sequence[str], repeats: int) -> Iterator[dict[str, Any]]:
    """A row for each form of each model that is finished, in each shape."""
    dense, tokenizer = restore_model(reference)
    judge = Judge(reference.spec, restore_splits(reference), tokenizer, dense, "cpu")
    inputs = inputs_of(tokenizer)
    forms = [form for one in compared_models(reference) for form in _forms(one, inputs)]
    # a pass next to one of another runtime is slower: each finds its own threads asleep
    forms.sort(key=lambda form: form.about["runtime"] == ONNX_RUNTIME)
    scores = list(_scored(forms, judge))
    for shape in shapes:
        size, length, times = passes_of(shape, repeats)
        passes = {str(n): f.timed(random_inputs(dense, size, length)) for n, f in enumerate(forms)}
        print(f"timing {shape}", file=sys.stderr, flush=True)
        with Watch() as watch:
            seconds = list(interleaved(passes, times).values())
        about = {"seed": reference.spec.seed, "batch_size": size, "seq_len": length}
        for form, score, own in zip(forms, scores, seconds, strict=True):
            speed_ups = ratios(seconds[0], own)
            yield {
                **dict.fromkeys(ABOUT), **form.about, **about, **score, "repeats": times,
                "seconds": spread(own)["median"], **_speed_up(speed_ups),
                **steadiness(watch, speed_ups, torch.get_num_threads()),
            }  # fmt: skip


def _speed_up(speed_ups: Sequence[float]) -> dict[str, float]:
    median, low, high = spread(speed_ups).values()
    return {"speed_up": median, "speed_up_p10": low, "speed_up_p90": high}


def _forms(one: Compared, inputs: Sequence[str]) -> Iterator[Form]:
    about = {**one.about, "params": num_parameters(one.model)}
    yield Form({**about, "runtime": TORCH, "precision": "float32"}, one.model)
    if one.for_onnx is not None:
        for precision, onnx in zip(
            ("float32", "int8"), onnx_models(one.for_onnx, int8=True, inputs=inputs), strict=True
        ):
            by = {"runtime": ONNX_RUNTIME, "precision": precision, "file_bytes": onnx.file_bytes}
            yield Form({**about, **by}, OnnxClassifier(onnx), onnx)


def _scored(forms: Sequence[Form], judge: Judge) -> Iterator[dict[str, float]]:
    """Score and points lost against the first of them, with the paired interval of 95%."""
    first: np.ndarray | None = None
    for form in forms:
        answers, true = answer_batches(
            form.classifier, judge.batches, judge.accelerator, judge.splits
        )
        first = answers if first is None else first
        drop = paired_drop(judge.metric, true, [first], [answers])
        yield {
            "score": drop.score,
            "points_lost": 100 * drop.drop,
            "points_lost_low": 100 * drop.low,
            "points_lost_high": 100 * drop.high,
        }


if __name__ == "__main__":
    main()
