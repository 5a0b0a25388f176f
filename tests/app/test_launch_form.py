"""Where a run trains: chosen only where Slurm can be used; what Live says of a job."""

from dataclasses import replace

import pytest

from app.new import launch as launch_form
from finegates.groups.store import list_groups
from finegates.jobs.launchers import slurm
from finegates.jobs.launchers.slurm_client import Job
from finegates.jobs.launchers.slurm_queue import QUEUE_FILE, Queue, _write
from finegates.runs.folder import list_runs
from finegates.runs.launch import Launch, SlurmSettings, read_launch, write_launch
from tests.app.components import codes
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts
from tests.app.test_runs_page import tick


@pytest.fixture
def cluster(monkeypatch) -> None:
    """A machine on which Slurm takes every run."""
    for module in (slurm, launch_form):
        monkeypatch.setattr(module, "missing", lambda: "")
    monkeypatch.setattr(slurm, "_refused", lambda settings: "")
    monkeypatch.setattr(slurm, "_sbatch", lambda run, settings: ("12", "#SBATCH --time=5"))


def on_slurm(app, **settings):
    app.segmented_control(key="launch.where").set_value("slurm").run()
    for name, value in settings.items():
        widget = app.text_input if isinstance(value, str) else app.number_input
        widget(key=f"launch.{name}").set_value(value)
    return app.run()


def test_without_slurm_there_is_no_choice_and_the_help_says_what_is_missing(visit, monkeypatch):
    monkeypatch.setattr(launch_form, "missing", lambda: "there is no sbatch on the PATH.")
    for page in ("new_run", "new_sweep"):
        app = visit(page)
        assert not app.exception
        cost = next(s for s in app.subheader if s.value == "Cost")
        assert "there is no sbatch on the PATH" in cost.help
        assert "launch.where" not in [widget.key for widget in app.get("button_group")]


def test_a_run_is_handed_to_slurm_with_what_was_asked_for(visit, runs_dir, dispatched, cluster):
    app = on_slurm(visit("new_run"), partition="gpu", time_min=5, gpus=1)
    assert "--launcher slurm --partition gpu --time-min 5 --gpus 1" in codes(app)[0]
    app = app.button(key="start").click().run()
    assert not app.exception and not app.error
    (run,) = list_runs(runs_dir)
    launch = read_launch(run.path)
    assert launch.settings == SlurmSettings(partition="gpu", time_min=5, gpus=1)
    assert launch.job_id == "12" and dispatched == []
    assert "Slurm job" in texts(app) and any("#SBATCH --time=5" in c for c in codes(app))


def test_a_duplicate_goes_to_slurm_as_its_run_did(visit, runs_dir, dispatched, cluster):
    run = make_run(runs_dir)
    settings = SlurmSettings(partition="gpu", time_min=7, memory_gb=4.0)
    write_launch(run.path, Launch("slurm", settings, job_id="3"))
    app = visit("runs")
    tick(app, run)
    app.button(key="duplicate").click().run()
    assert not app.exception and app.title[0].value == "New run"
    flags = "--launcher slurm --partition gpu --time-min 7 --memory-gb 4.0"
    assert codes(app)[0].endswith(flags)
    assert app.text_input(key="launch.account").value == ""


def test_a_wrong_partition_is_told_before_the_start(visit, runs_dir, cluster):
    app = on_slurm(visit("new_run"), partition="two words")
    assert "partition is 'two words'" in app.error[0].value
    assert app.button(key="start").disabled and not list_runs(runs_dir)


def test_every_run_of_a_sweep_is_handed_to_slurm(visit, runs_dir, dispatched, cluster):
    app = visit("new_sweep")
    app.multiselect(key="sweep_targets").set_value([30]).run()
    on_slurm(app, time_min=7).button(key="start").click().run()
    (group,) = list_groups(runs_dir)
    assert "--launcher slurm --time-min 7" in group.command
    assert [read_launch(run.path).settings.time_min for run in list_runs(runs_dir)] == [7, 7]
    assert dispatched == []


def test_live_shows_why_a_job_waits(visit, runs_dir, monkeypatch):
    run = make_run(runs_dir, "queued")
    write_launch(run.path, replace(Launch("slurm"), job_id="7", sbatch="#SBATCH --gpus=1"))
    monkeypatch.setattr("finegates.jobs.control.look_after", lambda folder: None)
    _write(runs_dir, Queue(1.0, (Job("7", "PENDING", "", "Resources", run.id),)))
    assert (runs_dir / QUEUE_FILE).exists()
    app = visit("live", run=run.id)
    assert not app.exception and "Slurm's reason: Resources" in texts(app)
    assert "#SBATCH --gpus=1" in codes(app)


@pytest.mark.parametrize("state", ["timed out", "preempted"])
def test_a_run_that_ran_out_of_time_can_be_resumed_from_the_page(visit, runs_dir, state, cluster):
    run = make_run(runs_dir, state, progress=0.5, reason="Timed out with no requeue left.")
    write_launch(run.path, Launch("slurm"))
    app = visit("live", run=run.id)
    assert not app.exception and "no requeue left" in texts(app)
    app.button(key=f"Resume-{run.id}").click().run()
    assert run.status().state == "queued" and read_launch(run.path).job_id == "12"
