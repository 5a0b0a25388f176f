"""Claims about the command line: its last line is JSON; what is wrong is one line and code 2."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from finegates.cli import main
from finegates.data import limits as file_limits
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.runs.bin import BIN_FOLDER
from finegates.runs.folder import RUNS_DIR_VARIABLE, create_run
from finegates.runs.status import Status, write_status
from finegates.spec import FIELDS, make_spec
from tests.faults_reported.models import change_weights

REPOSITORY = Path(__file__).resolve().parents[2]
RESULT_KEYS = {
    "run", "status", "metric", "score", "target_fraction", "closed_gates_fraction",
    "removed_weights_fraction", "trainable_params",
}  # fmt: skip
REMOVAL_TOLERANCE = 0.01
QUICK = ("--max-train-samples", "64", "--epochs", "1", "--device", "cpu", "--precision", "fp32")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, runs_dir) -> None:
    """The runs folder comes from the environment; no GLUE folder does."""
    monkeypatch.setenv(RUNS_DIR_VARIABLE, str(runs_dir))
    monkeypatch.delenv(GLUE_DIR_VARIABLE, raising=False)


@pytest.fixture
def finished(runs_dir):
    """A run that is over, without any training."""
    run = create_run(make_spec({"seed": 4}), {"num_train": 8}, runs_dir)
    write_status(run.path, Status(state="finished", metric="accuracy", score=0.5))
    return run


def refused(capsys, runs_dir: Path, *words: str) -> str:
    """Runs a command that has to fail and returns its one line on stderr."""
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and err.endswith("\n"), err
    assert "Traceback" not in err
    assert [entry.name for entry in runs_dir.iterdir()] == []
    return err


# train


def test_train_ends_with_one_line_of_json_that_reports_what_is_removed(
    capsys, runs_dir, toy_model_dir
):
    assert main(["train", "--model", str(toy_model_dir), *QUICK, "--target-sparsity", "0.4"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    row = json.loads(out)
    assert row.keys() >= RESULT_KEYS
    assert (row["status"], row["metric"], row["target_fraction"]) == ("finished", "accuracy", 0.4)
    assert abs(row["removed_weights_fraction"] - 0.4) <= REMOVAL_TOLERANCE
    assert 0 < row["closed_gates_fraction"] < 1
    assert 0 <= row["score"] <= 1
    assert row["trainable_params"] > 0
    assert row["run"] in err and "Traceback" not in err
    assert [entry.name for entry in runs_dir.iterdir()] == [row["run"]]


def test_train_repeats_its_result_from_the_command_that_the_run_records(
    capsys, runs_dir, toy_model_dir
):
    main(["train", "--model", str(toy_model_dir), *QUICK, "--seed", "3"])
    first = json.loads(capsys.readouterr().out)
    assert main(shlex.split(first["command"])[3:]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["command"] == first["command"]
    assert [second[key] for key in ("score", "removed_weights_fraction")] == [
        first[key] for key in ("score", "removed_weights_fraction")
    ]


def test_a_run_that_fails_gives_its_row_its_reason_and_code_1(capsys, runs_dir, toy_model_dir):
    spoilt = shutil.copytree(toy_model_dir, runs_dir.parent / "spoilt")
    change_weights(spoilt, lambda weights: weights["classifier.weight"].fill_(float("nan")))
    assert main(["train", "--model", str(spoilt), *QUICK]) == 1
    out, err = capsys.readouterr()
    row = json.loads(out)
    assert row["status"] == "failed"
    assert f"error: {row['reason']}" in err
    assert "Traceback" not in err


# What can be mended


def a_file(name: str, content: str | bytes) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
        return ["--data", str(folder / name)]

    return make


def rows(*labels: object) -> str:
    return "text,label\n" + "".join(f"Text {i} is here.,{v}\n" for i, v in enumerate(labels))


def model_without_config(folder: Path) -> list[str]:
    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(b"")
    return ["--model", str(folder / "model")]


def model_in_a_pickle(folder: Path) -> list[str]:
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text('{"model_type": "bert"}')
    (folder / "model" / "pytorch_model.bin").write_bytes(b"")
    return ["--model", str(folder / "model")]


def glue_without_the_task(folder: Path) -> list[str]:
    (folder / "glue" / "CoLA").mkdir(parents=True)
    return ["--task", "rte", "--glue-dir", str(folder / "glue")]


def glue_with_a_new_label_in_dev(folder: Path) -> list[str]:
    task = folder / "glue" / "RTE"
    task.mkdir(parents=True)
    for name, labels in {
        "train": ["entailment"] * 4,
        "dev": ["entailment", "not_entailment"],
    }.items():
        lines = [f"{i}\tA cat naps.\tA cat.\t{label}\n" for i, label in enumerate(labels)]
        header = "index\tsentence1\tsentence2\tlabel\n"
        (task / f"{name}.tsv").write_text(header + "".join(lines))
    return ["--task", "rte", "--glue-dir", str(folder / "glue")]


MENDABLE = {
    "an empty file": (a_file("a.csv", ""), "is empty"),
    "a header only": (a_file("a.csv", "text,label\n"), "no rows"),
    "one class": (a_file("a.csv", rows("yes", "yes", "yes", "yes")), "one class only, 'yes'"),
    "a class with one row": (a_file("a.csv", rows("no", "no", "yes")), "one row only: 'yes'"),
    "a missing label": (a_file("a.csv", rows("no", "no", "", "yes", "yes")), "empty in row 3"),
    "ragged rows": (a_file("a.csv", "text,label\na,b,c\n"), "line 2: 3 fields"),
    "a broken byte": (a_file("a.csv", rows("né", "né").encode() + b"\xff"), "not UTF-8"),
    "a wrong encoding": (
        lambda folder: [*a_file("a.csv", rows(*"éyéy").encode("latin-1"))(folder),
                        "--encoding", "utf-8"], "not UTF-8: byte 27 (line 2)",
    ),
    "an unknown encoding": (
        lambda folder: [*a_file("a.csv", rows(*"nyny"))(folder), "--encoding", "utf-9"],
        "encoding is 'utf-9'",
    ),
    "a first row of data": (
        a_file("a.csv", rows(*"nyny").partition("\n")[2]), "Set header=no if the file has no",
    ),
    "no file after --data": (lambda _: ["--data", ""], "data is empty; give a value, or leave"),
    "no word after --cleaning": (
        lambda folder: [*a_file("a.csv", rows(*"nyny"))(folder), "--cleaning", ","],
        "cleaning is empty; give a value, or leave",
    ),
    "a torn Parquet": (a_file("a.parquet", b"PAR1 and then nothing"), "damaged Parquet"),
    "a Parquet named CSV": (a_file("a.csv", b"PAR1"), "damaged Parquet"),
    "a workbook": (a_file("a.xlsx", b"PK\x03\x04"), "an Excel workbook"),
    "5,000 classes": (
        lambda folder: [
            *a_file("a.csv", rows(*(i + 0.5 for i in range(5000))))(folder),
            "--problem", "classification",
        ],
        "5,000 different values",
    ),
    "a missing column": (
        lambda folder: [*a_file("a.csv", rows(*"nyny"))(folder), "--label-column", "labl"],
        "Did you mean 'label'?",
    ),
    "a missing file": (lambda folder: ["--data", str(folder / "no.csv")], "There is no file"),
    "a model without config": (model_without_config, "no config.json"),
    "a model in a pickle": (model_in_a_pickle, "pickle"),
    "a missing model": (lambda folder: ["--model", str(folder / "no")], "does not exist"),
    "a model of the hub": (lambda _: ["--model", "some/model"], "'minilm' (embedded)"),
    "a task without data": (glue_without_the_task, "task without data"),
    "a missing GLUE folder": (
        lambda folder: ["--task", "rte", "--glue-dir", str(folder / "no")], "does not exist"
    ),
    "a task of the hub": (lambda _: ["--task", "rte"], "task=sample"),
    "a label in dev only": (glue_with_a_new_label_in_dev, "not in the 4 training rows"),
    "an unknown device": (lambda _: ["--device", "cuda:9"], "there are: auto"),
    "an unknown method": (lambda _: ["--method", "finegate"], "Did you mean 'finegates'?"),
    "an unknown task": (lambda _: ["--task", "colla"], "Did you mean 'cola'?"),
    "data and a task": (lambda _: ["--data", "a.csv", "--task", "cola"], "a.csv"),
    "a value out of range": (lambda _: ["--target-sparsity", "1.5"], "0.0 to 0.95"),
    "no end": (lambda _: ["--penalty-weight", "inf"], "penalty_weight is inf"),
    "a noise that the law has not": (
        lambda _: ["--gate-law", "hard-concrete", "--gate-sampling-sigma", "0.5"], "sigma"
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", ["train", "launch"])
@pytest.mark.parametrize("case", MENDABLE)
def test_what_can_be_mended_is_one_line_and_leaves_no_run(
    capsys, monkeypatch, tmp_path, runs_dir, command, case
):
    monkeypatch.chdir(tmp_path)
    make, words = MENDABLE[case]
    assert words in refused(capsys, runs_dir, command, *make(tmp_path))


def test_a_file_that_is_too_large_is_refused_by_its_size(capsys, monkeypatch, tmp_path, runs_dir):
    monkeypatch.setattr(file_limits, "MAX_FILE_BYTES", 50)
    words = a_file("a.csv", rows("no", "yes", "no", "yes"))(tmp_path)
    assert "at most" in refused(capsys, runs_dir, "train", *words)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--epochs", "three"],
        ["train", "--epochs", "1.5"],
        ["train", "--no-such-setting", "1"],
        ["train", "--epochs"],
        ["runs"],
        ["runs", "show"],
        ["fly"],
        [],
    ],
)
def test_a_command_line_that_can_not_be_read_ends_with_2(capsys, runs_dir, words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and "error: " in err and "Traceback" not in err
    assert list(runs_dir.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "launch"])
def test_help_tells_every_setting_with_its_meaning(capsys, command):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    shown = "".join(capsys.readouterr().out.split())  # lines are broken at hyphens too
    for name, field in FIELDS.items():
        assert f"--{name.replace('_', '-')}" in shown
        assert "".join(field.metadata["help"].split()) in shown


def test_a_hub_that_does_not_answer_is_given_up_at_once_and_in_one_line(tmp_path, runs_dir):
    nobody_listens = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}
    answer = subprocess.run(
        [sys.executable, "-m", "finegates", "train", "--model", "someone/some-model"],
        capture_output=True,
        text=True,
        timeout=15,
        env={**os.environ, **nobody_listens, "HF_HOME": str(tmp_path / "hub")},
        cwd=REPOSITORY,
    )
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1 and "can't be reached" in answer.stderr
    assert list(runs_dir.iterdir()) == []


# runs


def test_the_list_is_one_array_with_the_keys_of_train(capsys, runs_dir, finished):
    (runs_dir / "broken").mkdir()
    assert main(["runs", "list", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    listed = json.loads(out)
    assert {row["run"]: row["status"] for row in listed} == {
        finished.id: "finished",
        "broken": "broken",
    }
    for row in listed:
        assert row.keys() >= RESULT_KEYS | {"task", "method"}


def test_the_list_for_people_has_a_line_for_each_run(capsys, runs_dir, finished):
    (runs_dir / "broken").mkdir()
    assert main(["runs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert any(finished.id in line and "0.500" in line for line in lines)


def test_no_runs_are_an_empty_array(capsys):
    assert main(["runs", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_another_runs_folder_can_be_named(capsys, tmp_path, finished):
    assert main(["runs", "list", "--json", "--runs-dir", str(tmp_path / "other")]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_show_gives_all_of_a_run(capsys, finished):
    assert main(["runs", "show", finished.id]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["spec"] == finished.spec.to_dict()
    assert shown["data"] == {"num_train": 8}
    assert "python" in shown["versions"]
    assert shown["status"] == "finished"


def test_delete_moves_to_the_bin(capsys, runs_dir, finished):
    assert main(["runs", "delete", finished.id]) == 0
    assert [entry.name for entry in runs_dir.iterdir()] == [BIN_FOLDER]
    assert BIN_FOLDER in capsys.readouterr().err


def test_a_queued_run_is_stopped_at_once(capsys, runs_dir):
    run = create_run(make_spec({}), {}, runs_dir)
    assert main(["runs", "stop", run.id]) == 0
    assert run.status().state == "stopped"
    assert "Stopped by you" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["stop", "resume"])
def test_a_finished_run_is_neither_stopped_nor_resumed(capsys, finished, action):
    assert main(["runs", action, finished.id]) == 2
    assert f"error: {finished.id} is finished" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["show", "stop", "resume", "delete"])
def test_an_unknown_run_is_answered_with_the_closest(capsys, finished, action):
    assert main(["runs", action, finished.id[:-1]]) == 2
    assert f"Did you mean '{finished.id}'?" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["show", "stop", "resume"])
def test_a_broken_run_is_an_error_of_one_line(capsys, runs_dir, action):
    (runs_dir / "broken").mkdir()
    assert main(["runs", action, "broken"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "not a run folder" in err


# params


def test_params_ends_with_the_table_as_json(capsys):
    assert main(["params", "--model", "roberta-base"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = json.loads(lines[-1])
    assert len(lines) == len(table["rows"]) + 1
    assert main(["params", "--model", "roberta-base", "--json"]) == 0
    assert capsys.readouterr().out == lines[-1] + "\n"
    assert table["model"] == "roberta-base"
    assert table["rows"][0]["trainable_params"] == 165_888


def test_params_of_an_unknown_model_is_an_error(capsys, tmp_path, runs_dir):
    refused(capsys, runs_dir, "params", "--model", str(tmp_path / "none"))
