"""Claims about one worker: it works alone, says how it ended, and leaves the process as it was."""

import os
import signal

import pytest
from filelock import FileLock

from finegates import worker
from finegates.inputs import check_inputs
from finegates.runs import create_run, current_rows
from finegates.spec import make_spec
from finegates.status import STOP_FILE, Status, write_status
from finegates.worker import WORKER_LOCK, execute


@pytest.fixture
def run(runs_dir, toy_model_dir):
    spec, data = check_inputs(
        make_spec(
            {
                "model": str(toy_model_dir),
                "max_train_samples": 32,
                "epochs": 1,
                "batch_size": 8,
                "device": "cpu",
                "precision": "fp32",
            }
        )
    )
    return create_run(spec, data, runs_dir)


def test_a_queued_run_is_trained_to_its_end(run):
    status = execute(run, "cpu")
    assert status.state == "finished"
    assert status == run.status()
    assert status.step == status.total_steps == 4


def test_progress_is_told_as_the_run_goes(run):
    steps: list[int] = []
    execute(run, "cpu", lambda journal: steps.append(journal.status.step))
    assert steps == sorted(steps) and steps[-1] == 4


@pytest.mark.parametrize("state", ["stopped", "finished", "failed"])
def test_a_run_that_is_over_before_its_worker_began_is_left_alone(run, state):
    write_status(run.path, Status(state, reason="why"))
    assert execute(run, "cpu") == run.status() == Status(state, reason="why")
    assert not (run.path / "metrics.jsonl").exists()


def test_a_run_that_another_process_works_on_is_left_alone(run):
    with FileLock(run.path / WORKER_LOCK):
        assert execute(run, "cpu").state == "queued"
    assert not (run.path / "metrics.jsonl").exists()


def test_a_stop_before_the_first_step_leaves_a_run_that_can_go_on(run):
    (run.path / STOP_FILE).touch()
    assert execute(run, "cpu").state == "stopped"
    (run.path / STOP_FILE).unlink()
    write_status(run.path, Status("queued"))
    assert execute(run, "cpu").state == "finished"
    rows = current_rows(run.metrics_reader().read_new())
    assert [row["step"] for row in rows if row["kind"] == "eval"] == [2, 4]


def test_data_that_changed_since_the_run_was_made_is_refused(runs_dir, run, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"Text {i}.,{'ny'[i % 2]}\n" for i in range(20)))
    spec, data = check_inputs(make_spec({"data": str(path), "model": run.spec.model}))
    own = create_run(spec, data, runs_dir)
    path.write_text(path.read_text().replace("Text 3", "Text three"))
    status = execute(own, "cpu")
    assert status.state == "failed"
    assert "has changed since the run was made" in status.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("CUDA out of memory. Tried 2 GiB\nmore"), "use a smaller batch_size"),
        (MemoryError(), "Out of memory"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "The disk is full"),
        (ModuleNotFoundError("No module named 'peft'"), "A package is missing"),
        (ZeroDivisionError("by zero"), "Unexpected error, see the log: ZeroDivisionError: by zero"),
    ],
)
def test_an_error_of_ours_is_in_the_log_and_in_plain_words(run, monkeypatch, error, words):
    def fail(spec):
        raise error

    monkeypatch.setattr(worker, "load_splits", fail)
    status = execute(run, "cpu")
    assert status.state == "failed"
    assert words in status.reason and "\n" not in status.reason
    assert "Traceback" in run.log_tail()


def test_a_signal_asks_for_a_stop_and_the_handlers_are_given_back(run):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]

    def terminate(journal) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    spec_of_many_steps = make_spec({**run.spec.to_dict(), "epochs": 50})
    long = create_run(spec_of_many_steps, run.record["data"], run.path.parent)
    status = execute(long, "cpu", terminate)
    assert status.state == "stopped"
    assert status.step < status.total_steps
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before
