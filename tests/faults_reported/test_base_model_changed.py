"""A run whose base model has changed is refused by all that brings its model back."""

import json
import shutil

import pytest
import torch

from finegates.cli import main
from finegates.errors import DataError, ModelError
from finegates.groups.plan import plan
from finegates.groups.sweep import start_sweep, submit_missing
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.models.record import BASE_MODEL
from finegates.runs.folder import Run, create_run
from finegates.spec import make_spec
from finegates.training.restore import restore_model, restore_session
from finegates.trying.models import DenseAndPruned
from tests.faults_reported.models import build, change_weights, edit_config, write_rows

SETTINGS = {"method": "finegates", "batch_size": 16, "epochs": 1, "precision": "fp32"}


def spec_of(parent, **changes):
    data = write_rows(parent / "one.csv")
    given = {"model": str(parent / "plain"), "data": str(data), "device": "cpu"}
    return make_spec({**SETTINGS, **given, **changes})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A model's folder and a run on it, to be copied."""
    parent = tmp_path_factory.mktemp("trained")
    build("plain", parent)
    run = create_run(*check_inputs(spec_of(parent)), parent / "runs")
    assert execute(run, "cpu").state == "finished", run.status().reason
    return run


@pytest.fixture
def run(finished):
    """The run, whose model is put back afterwards."""
    model = finished.path.parents[1] / "plain"
    kept = {path: path.read_bytes() for path in model.iterdir()}
    yield finished
    for path in model.iterdir():
        path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)


def model_of(run):
    return run.path.parents[1] / "plain"


def other_weights(run) -> None:
    def add_noise(weights):
        for tensor in weights.values():
            tensor += 0.5 * torch.randn_like(tensor)

    change_weights(model_of(run), add_noise)


def other_config(run) -> None:
    edit_config(model_of(run), hidden_act="relu")


def other_tokenizer(run) -> None:
    path = model_of(run) / "tokenizer.json"
    content = json.loads(path.read_text())
    words = content["model"]["vocab"]
    words["film"], words["meal"] = words["meal"], words["film"]
    path.write_text(json.dumps(content))


CHANGES = pytest.mark.parametrize(
    ("part", "change"),
    [("weights", other_weights), ("config", other_config), ("tokenizer", other_tokenizer)],
)


@CHANGES
@pytest.mark.parametrize(
    "bring_back", [restore_model, lambda run: restore_session(run, "cpu"), DenseAndPruned]
)
def test_another_model_of_the_same_shapes_is_refused(run, bring_back, part, change):
    bring_back(run)
    change(run)
    with pytest.raises(ModelError, match=rf"The {part} of .*plain' changed after the run was made"):
        bring_back(run)


@pytest.mark.parametrize(
    "words",
    [
        ("prune", "--remove", "0.3", "--device", "cpu"),
        ("evaluate", "--remove", "0.3", "--device", "cpu"),
        ("bench", "--remove", "0.3", "--repeats", "2", "--seq-len", "8"),
        ("export", "--remove", "0.3", "--no-measure", "--out"),
    ],
    ids=lambda words: words[0],
)
def test_every_command_on_the_run_says_so_and_ends_with_2(run, words, tmp_path, capsys):
    other_weights(run)
    name, *options = words
    options += [str(tmp_path / "out")] if name == "export" else []
    assert main([name, run.id, *options, "--runs-dir", str(run.path.parent)]) == 2
    assert "error: The weights of the model" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_run_that_waited_or_was_stopped_fails_with_the_sentence(run):
    waiting = create_run(run.spec, run.record["data"], run.path.parent)
    other_weights(run)
    status = execute(waiting, "cpu")
    assert status.state == "failed" and status.reason.startswith("The weights of the model")


def test_a_changed_teacher_teaches_nobody(run):
    own = model_of(run).with_name("own")
    shutil.copytree(model_of(run), own)
    spec = spec_of(own.parent, model=str(own), teacher=run.id)
    taught = create_run(*check_inputs(spec), run.path.parent)
    other_weights(run)
    status = execute(taught, "cpu")
    assert (
        status.state == "failed" and f"The weights of the model '{model_of(run)}'" in status.reason
    )


def test_files_that_are_put_back_are_welcome(run):
    weights = model_of(run) / "model.safetensors"
    content = weights.read_bytes()
    other_weights(run)
    with pytest.raises(ModelError):
        restore_model(run)
    weights.write_bytes(content)
    edit = json.loads((model_of(run) / "config.json").read_text())
    (model_of(run) / "config.json").write_text(json.dumps(edit, indent=7))  # only laid out anew
    restore_model(run)


def test_a_run_from_before_models_were_recorded_goes_on_working(run):
    data = {key: value for key, value in run.record["data"].items() if key != BASE_MODEL}
    record = {**run.record, "data": data}
    old = run.path.with_name("old")
    shutil.copytree(run.path, old)
    (old / "spec.json").write_text(json.dumps(record))
    other_weights(run)
    restore_model(Run(old))


def test_a_sweep_looks_once_and_goes_on_only_with_the_same_model(
    run, runs_dir, asleep, monkeypatch
):
    looked = []
    monkeypatch.setattr(
        "finegates.jobs.inputs.model_record", lambda name: looked.append(name) or {"weights": "a"}
    )
    spec = run.spec
    cells = plan(["finegates", "full"], [0.2, 0.4], [0, 1, 2])
    settings = {"model": spec.model, "data": spec.data, "device": "cpu"}
    group = start_sweep(runs_dir, "mine", settings, cells)
    assert len(group.runs) > 6 and looked == [spec.model]
    assert Run(runs_dir / group.runs[0]).record["data"][BASE_MODEL] == {"weights": "a"}
    monkeypatch.setattr("finegates.jobs.inputs.model_record", lambda name: {"weights": "b"})
    shutil.rmtree(runs_dir / group.runs[0])
    with pytest.raises(DataError, match="The model of the group 'mine' has changed"):
        submit_missing(group, runs_dir)
