"""Claims about sweep, table and evaluate on the command line; runs are made, not trained."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from finegates.cli import main
from finegates.commands import follow as follow_module
from finegates.commands import sweep as sweep_command
from finegates.errors import RunError
from finegates.gates.cuts import Cut
from finegates.groups.store import Cell, create_group, list_groups, open_group
from finegates.jobs import dispatcher
from finegates.machine.devices import CPU_WORKERS_VARIABLE
from finegates.runs.folder import RUNS_DIR_VARIABLE, Run, list_runs
from finegates.runs.measurements import read_points
from tests.fake_results import in_state, result, with_curve
from tests.toy_models import save_toy_decoder

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = ("--methods", "finegates,full", "--targets", "0.1,0.2", "--seeds", "0", "--device", "cpu")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, runs_dir) -> None:
    """The runs folder comes from the environment; nothing is really started or waited for."""
    monkeypatch.setenv(RUNS_DIR_VARIABLE, str(runs_dir))
    monkeypatch.setattr(follow_module, "POLL_S", 0.01)
    monkeypatch.setattr(dispatcher, "start_dispatcher", lambda folder: None)


def told(capsys) -> tuple[dict, str]:
    """The JSON line on stdout, which is all of it, and stderr."""
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    return json.loads(out), err


def end_runs(monkeypatch, runs_dir: Path, *states: str) -> None:
    """While the command waits, the runs end: one in each state, the others finished."""
    ends = iter(states)

    def sleep(seconds: float) -> None:
        for run in list_runs(runs_dir):
            if run.status().state == "queued":
                in_state(run, next(ends, "finished"), metric="accuracy", score=0.8)
                return

    monkeypatch.setattr(follow_module.time, "sleep", sleep)


# sweep


def test_a_sweep_of_a_decoder_tells_of_a_training_that_is_too_short(capsys, runs_dir, tmp_path):
    folder = save_toy_decoder(tmp_path / "llama")
    short = ("--epochs", "1", "--model", str(folder), "--name", "short", "--detach")
    assert main(["sweep", *SMALL, *short]) == 0
    _, err = told(capsys)
    assert err.count("63 steps are too few for the gates of a decoder") == 1


def test_a_sweep_follows_its_runs_and_ends_with_one_line_of_json(capsys, monkeypatch, runs_dir):
    end_runs(monkeypatch, runs_dir)
    assert main(["sweep", *SMALL, "--name", "mine", "--epochs", "2"]) == 0
    row, err = told(capsys)
    group = open_group(runs_dir, "mine")
    assert row == {"group": "mine", "finished": 3, "failed": 0, "runs": group.runs}
    assert group.settings == {"device": "cpu", "epochs": 2}
    assert {Run(runs_dir / name).spec.epochs for name in group.runs} == {2}
    for words in ("group mine: 3 runs", "0/3 finished", "2/3 finished", "3/3 finished"):
        assert words in err


def test_a_sweep_with_a_failed_run_ends_with_1_and_goes_on_by_its_name(
    capsys, monkeypatch, runs_dir
):
    end_runs(monkeypatch, runs_dir, "failed")
    assert main(["sweep", *SMALL, "--name", "mine"]) == 1
    row, err = told(capsys)
    assert (row["finished"], row["failed"]) == (2, 1)
    assert "1 not finished: " in err
    assert main(["sweep", "--name", "mine"]) == 0
    again, _ = told(capsys)
    assert again == {**row, "finished": 3, "failed": 0}
    assert len(list_runs(runs_dir)) == 3
    assert main(["sweep", *SMALL, "--name", "mine"]) == 0, "the whole command comes back too"
    assert told(capsys)[0] == again


def test_a_detached_sweep_returns_with_its_runs_queued(capsys, runs_dir):
    assert main(["sweep", *SMALL, "--detach"]) == 0
    row, _ = told(capsys)
    (group,) = list_groups(runs_dir)
    assert row == {"group": group.name, "finished": 0, "failed": 0, "runs": group.runs}
    assert {run.status().state for run in list_runs(runs_dir)} == {"queued"}


def test_ctrl_c_leaves_the_runs_to_themselves_and_says_how_to_come_back(
    capsys, monkeypatch, runs_dir
):
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow_module.time, "sleep", interrupt)
    assert main(["sweep", *SMALL, "--name", "mine", "--runs-dir", str(runs_dir)]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert f"python -m finegates sweep --name mine --runs-dir {runs_dir}" in err
    assert "go on in the background" in err
    assert [run.status().state for run in list_runs(runs_dir)] == ["queued"] * 3


def test_targets_and_seeds_have_defaults(capsys, runs_dir):
    assert main(["sweep", "--methods", "finegates,lora", "--device", "cpu", "--detach"]) == 0
    (group,) = list_groups(runs_dir)
    assert len(group.cells) == 3 * (5 + 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "methods is empty"),
        (["--methods", ","], "methods is empty"),
        (["--methods", "full", "--name", " "], "name is empty; give one"),
        (["--methods", "full", "--data", ""], "data is empty; give a value"),
        (["--methods", "finegate"], "Did you mean 'finegates'"),
        (["--methods", "full", "--targets", ""], "targets is empty; give numbers with commas"),
        (["--methods", "full", "--targets", "0.1;0.2"], "'0.1;0.2' in it; give numbers"),
        (["--methods", "finegates", "--targets", "0.1,1.5"], "1.5; allowed is 0.0 to 0.95"),
        (["--methods", "finegates", "--targets", "nan"], "targets is nan"),
        (["--methods", "finegates", "--seeds", "0.5"], "'0.5' in it; give whole numbers"),
        (["--methods", "finegates", "--seeds", "-1"], "seeds is -1"),
        (["--methods", "finegates", "--name", "a/b"], "can't be a group's name"),
        (["--methods", "finegates", "--epochs", "0"], "epochs is 0"),
        (["--methods", "finegates", "--device", "cuda:9"], "cuda:9"),
        (["--name", "none"], "holds no groups"),
        (["--name", "none", "--epochs", "3"], "give --methods for a new sweep"),
        (["--name", "none", "--seeds", "3"], "give --methods for a new sweep"),
    ],
)
def test_what_can_be_mended_is_one_line_and_leaves_nothing(capsys, runs_dir, words, told):
    assert main(["sweep", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ") and err.count("\n") == 1
    assert told in err
    assert [*runs_dir.iterdir()] == []


def test_numbers_given_twice_count_once(capsys, runs_dir):
    words = ["--methods", "finegates,finegates", "--targets", "0.1,0.10", "--seeds", "0,00"]
    assert main(["sweep", *words, "--device", "cpu", "--detach"]) == 0
    assert len(list_runs(runs_dir)) == 1


def test_a_number_of_workers_that_is_none_is_refused(capsys, monkeypatch, runs_dir):
    monkeypatch.setenv(CPU_WORKERS_VARIABLE, "many")
    assert main(["sweep", *SMALL]) == 2
    assert "FINEGATES_CPU_WORKERS is 'many'" in capsys.readouterr().err
    assert [*runs_dir.iterdir()] == []


def test_the_help_tells_of_several_runs_at_once_and_of_every_other_setting(capsys):
    with pytest.raises(SystemExit):
        main(["sweep", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "FINEGATES_CPU_WORKERS=N" in shown
    assert "--gate-learning-rate" in shown and "--target-sparsity" not in shown
    assert sweep_command.DEFAULT_TARGETS in shown


# table


@pytest.fixture
def results(runs_dir) -> list[Run]:
    """Two seeds of one target, one of full."""
    runs = [result(runs_dir, 0.7 + seed / 10, seed=seed, target_sparsity=0.1) for seed in (0, 1)]
    return [*runs, result(runs_dir, 0.8, method="full")]


def test_the_table_of_all_runs(capsys, results):
    assert main(["table"]) == 0
    out = capsys.readouterr().out
    assert "finegates  75.0 (70.0–80.0, n=2)  93.8%" in out
    assert "full" in out and "80.0 (n=1)" in out


def test_the_table_of_a_group_names_what_is_missing(capsys, runs_dir, results):
    cells = [Cell("finegates", 0.1, 0, results[0].id), Cell("finegates", 0.1, 9)]
    create_group(runs_dir, "mine", {}, cells, "c")
    assert main(["table", "--group", "mine"]) == 0
    out = capsys.readouterr().out
    assert "70.0 (n=1)" in out and "80.0" not in out
    assert "Missing: finegates at 0.1: seed 9." in out


def test_the_table_as_json_holds_every_point(capsys, results):
    with_curve(results[0], {0.3: 0.6})
    assert main(["table", "--json"]) == 0
    points, _ = told(capsys)
    assert [(p["method"], p["kind"], p["target"], p["median"]) for p in points] == [
        ("finegates", "trained", 0.1, pytest.approx(0.75)),
        ("finegates", "rounded", 0.3, 0.6),
        ("full", "trained", 0.0, 0.8),
    ]


def test_the_table_as_csv_and_markdown_and_of_some_runs(capsys, results):
    assert main(["table", "--csv", "--runs", results[0].id]) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.startswith("task,metric,model,method,kind,target,scores,seeds")
    assert line.startswith("sample,accuracy,minilm,finegates,trained,0.1,0.7,0")
    assert main(["table", "--markdown"]) == 0
    assert "| finegates | 75.0 (70.0–80.0, n=2) | 93.8% |" in capsys.readouterr().out


def test_a_damaged_curve_is_told_on_stderr_beside_the_table(capsys, results):
    (results[0].path / "curve.json").write_text("{")
    assert main(["table"]) == 0
    out, err = capsys.readouterr()
    assert "75.0" in out and err.startswith("left out: ") and "curve.json" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "No run in"),
        (["--group", "mine"], "There is no group 'mine'"),
        (["--runs", "x"], "There is no run 'x'"),
    ],
)
def test_a_table_of_nothing_says_so(capsys, words, told):
    assert main(["table", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and told in err and err.count("\n") == 1


# evaluate


@pytest.fixture
def evaluated(monkeypatch) -> list[tuple]:
    """What `evaluate_cuts` was asked for; it answers without a model."""
    asked: list[tuple] = []

    def evaluate_cuts(
        run: Run, cuts: list[Cut], device: str, on_point=None, progress=None
    ) -> list[dict]:
        asked.append((run.id, cuts, device))
        if run.status().state != "finished":
            raise RunError(f"{run.id} is {run.status().state}.")
        with_curve(run, {cut.remove: 0.8 - cut.remove / 10 for cut in cuts})
        points = [
            {**p, "threshold": None, "reopened_gates": 1200 if p["remove"] < 0.2 else 0}
            for p in read_points(run)
        ]
        for point in points if on_point else ():
            on_point(point)
        return points

    stub = types.ModuleType("finegates.measuring.evaluation")
    stub.evaluate_cuts = evaluate_cuts  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "finegates.measuring.evaluation", stub)
    return asked


def test_evaluate_tells_each_budget_and_where_gates_were_reopened(capsys, results, evaluated):
    run = results[0]
    assert main(["evaluate", run.id, "--remove", "0.1, 0.3", "--device", "cpu"]) == 0
    row, err = told(capsys)
    assert evaluated == [(run.id, [Cut(remove=0.1), Cut(remove=0.3)], "cpu")]
    assert row["run"] == run.id
    assert [(p["remove"], p["score"]) for p in row["points"]] == [(0.1, 0.79), (0.3, 0.77)]
    header, first, second = err.splitlines()
    assert "accuracy x 100" in header
    assert first.split()[:4] == ["10.0%", "10.0%", "5.0%", "79.0"]
    assert "1,200 gates reopened" in first and "reopened" not in second


def test_evaluate_prints_the_json_line_only_if_asked(capsys, results, evaluated):
    assert main(["evaluate", results[0].id, "--remove", "0.3", "--json"]) == 0
    assert told(capsys)[1] == ""


def test_what_was_evaluated_is_in_the_table(capsys, results, evaluated):
    assert main(["evaluate", results[0].id, "--remove", "0.4"]) == 0
    capsys.readouterr()
    assert main(["table"]) == 0
    assert "finegates, trained for 0.1, rounded" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--remove", "1"], "remove is 1.0; allowed is 0.0 to 0.99"),
        (["--remove", "half"], "remove has 'half' in it"),
        (["--remove", ""], "remove is empty"),
        (["--threshold", "1.5"], "threshold is 1.5; allowed is 0.0 to 1.0"),
        (["--remove", "0.1", "--device", "cuda:9"], "cuda:9"),
    ],
)
def test_an_evaluation_that_can_not_be_asked_for_is_refused(
    capsys, results, evaluated, words, told
):
    assert main(["evaluate", results[0].id, *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and told in err and evaluated == []


def test_an_unknown_run_is_not_evaluated(capsys, results, evaluated):
    assert main(["evaluate", results[0].id[:-1], "--remove", "0.1"]) == 2
    assert f"Did you mean '{results[0].id}'?" in capsys.readouterr().err


# A reader that goes away


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["params"], ["params", "--help"], ["runs", "list", "--json"]])
def test_a_reader_that_goes_away_is_no_error(words, unbuffered):
    program = subprocess.Popen(
        [sys.executable, "-m", "finegates", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert program.stdout and program.stderr
    program.stdout.close()
    assert program.stderr.read() == ""
    swallowed = unbuffered and "--help" in words  # argparse passes over what it can't print
    assert program.wait() == (0 if swallowed else 141)
