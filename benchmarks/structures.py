"""Which unit should a gate stand for? Times of each on RoBERTa-base's shape, scores on GLUE tasks.

    python -m benchmarks.structures times [--remove 0.2,0.4,0.6] [--shapes 32x128,1x32]
    FINEGATES_CPU_WORKERS=2 python -m benchmarks.structures train --glue-dir PATH/glue_data \
        --runs-dir runs/frontier [--task sst2] [--seeds 0] [--choices NAMES] [--targets 0.4,0.6]
    python -m benchmarks.structures scores --runs-dir runs/frontier [--task sst2] [--seeds 0]

Times have random weights and random gates of unequal widths, in float32 on the CPU: what is reached
of the ratio of multiply-accumulates. Scores are of MiniLM and a task (4,000 rows of SST-2, or all
of STS-B), as the frontier trains `finegates+full` from the fine-tuned model (benchmarks/frontier),
each run timed next to its dense model. Train starts from the frontier's dense run of the same task
and seed, so it has to be there.
Each row is written as soon as it is measured, into benchmarks/results/structures.json. The last
line printed is that JSON.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.frontier.plan import PARTS, group_name, settings_of
from benchmarks.frontier.run import reference_of, wait_for
from benchmarks.record import read_result
from benchmarks.rows import add_row
from benchmarks.shrink import passes_of
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.gates.cuts import Cut
from finegates.gates.units import MATRICES
from finegates.groups.store import Cell, group_path, open_group
from finegates.groups.sweep import start_sweep
from finegates.measuring.bench import compare
from finegates.measuring.candidates import attach_random_gates, candidates, random_model
from finegates.methods import WARM_METHOD
from finegates.runs.folder import Run, open_run
from finegates.settings import words_of
from finegates.training.restore import restore_model

RESULT, PART = "structures.json", "warm"
GLUE_TASKS = ("sst2", "stsb")
KEY = ("model", "task", "units", "uniform", "remove", "seed", "batch_size", "seq_len")
TARGETS = (0.4, 0.6)
"""Of train. Those of `MATRICES` are the frontier's."""


@dataclass(frozen=True)
class Choice:
    """What gates stand for, and whether every layer keeps as many."""

    units: tuple[str, ...]
    uniform: bool = False

    @property
    def name(self) -> str:
        """For example ``"heads-neurons-uniform"``."""
        return "-".join((*self.units, *(["uniform"] if self.uniform else [])))

    @property
    def row(self) -> dict[str, Any]:
        """As a row of the result names it."""
        return {"units": ",".join(self.units), "uniform": self.uniform}


CHOICES = (
    Choice((MATRICES,)), Choice(("structures",)), Choice(("neurons",)),
    Choice(("heads", "neurons")), Choice(("heads", "neurons"), uniform=True),
    Choice(("hidden", "heads", "neurons")),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains, or measures and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("times", "train", "scores"))
    parser.add_argument("--glue-dir", help="of train")
    parser.add_argument("--runs-dir", type=Path, help="of train and scores")
    parser.add_argument("--task", choices=GLUE_TASKS, default=GLUE_TASKS[0], help="the same")
    parser.add_argument("--seeds", default="0", help="the same")
    parser.add_argument("--choices", default="", help="of train; all if empty")
    parser.add_argument("--targets", default=",".join(map(str, TARGETS)), help="of train")
    parser.add_argument("--model", default="roberta-base", help="of times")
    parser.add_argument("--remove", default="0.2,0.4,0.6", help="fractions, of times")
    parser.add_argument("--shapes", default="32x128,1x32", help="rows x tokens")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    if options.what == "train":
        _train(options)
        return
    for row in _times(options) if options.what == "times" else _scores(options):
        print(row, file=sys.stderr, flush=True)
        add_row(RESULT, row, KEY, {})
    print(json.dumps(read_result(RESULT)))


def _times(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for choice in CHOICES:
        model = random_model(options.model).eval()
        attach_random_gates(model, units=choice.units, uniform=choice.uniform)
        forms = None
        for remove in map(float, words_of(options.remove)):
            forms = candidates(model, Cut(remove=remove), dense=forms)
            about = {"model": options.model, "task": None, "seed": None, **choice.row}
            yield from ({**row, **about} for row in _timed(forms, options))


def _train(options: argparse.Namespace) -> None:
    """Queues the runs of every choice but the frontier's, and waits until all of them are over."""
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    runs_dir = options.runs_dir.resolve()
    (part,) = (part for part in PARTS if part.name == PART)
    groups, wanted = [], words_of(options.choices) or [choice.name for choice in CHOICES[1:]]
    for seed in map(int, words_of(options.seeds)):
        start = reference_of(options.task, seed, runs_dir)
        for choice in (choice for choice in CHOICES[1:] if choice.name in wanted):
            settings = settings_of(part, options.task) | {
                "start_from": start, "gate_units": list(choice.units),
                "gate_shape": "uniform" if choice.uniform else "free",
            }  # fmt: skip
            targets = map(float, words_of(options.targets))
            cells = [Cell(WARM_METHOD, target, seed) for target in targets]
            name = group_of(options.task, choice, seed)
            groups.append(start_sweep(runs_dir, name, settings, cells))
    wait_for(groups, runs_dir)


def group_of(task: str, choice: Choice, seed: int) -> str:
    """The group of the runs of a choice and seed; the frontier's own where it trained them."""
    if choice.units == (MATRICES,):
        return group_name(task, PART, seed)
    return f"structures-{task}-{choice.name}-seed{seed}"


def _scores(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """What is finished; the score and what it lost, next to the times of the same model."""
    runs_dir = options.runs_dir.resolve()
    for seed in map(int, words_of(options.seeds)):
        dense = open_run(runs_dir, reference_of(options.task, seed, runs_dir))
        reference = dense.status().score
        for choice in CHOICES:
            name = group_of(options.task, choice, seed)
            if not group_path(runs_dir, name).exists():
                continue
            group = open_group(runs_dir, name)
            for run in (open_run(runs_dir, run_id) for run_id in group.runs):
                if run.status().state == "finished":
                    yield from _scored(run, choice, reference, options)


def _scored(
    run: Run, choice: Choice, reference: float, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    score = run.status().score
    about = {"model": run.spec.model, "seed": run.spec.seed, **choice.row}
    about |= {"remove": run.spec.target_sparsity, "task": run.spec.task, "run": run.id}
    about |= {"score": score, "points_lost": 100 * (reference - score)}
    forms = candidates(restore_model(run)[0], None)
    yield from ({**row, **about} for row in _timed(forms, options))


def _timed(forms: Any, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    for shape in words_of(options.shapes):
        yield compare(forms, *passes_of(shape, options.repeats), masked=False)


if __name__ == "__main__":
    main()
