"""A run that is stopped after a step, as by its user, and goes on."""

from dataclasses import replace

from finegates.jobs.worker import execute
from finegates.runs.status import STOP_FILE, write_status


def stopped_and_resumed(run, step):
    """Its status when it is over again."""

    def stop(journal):
        if journal.status.step == step:
            (run.path / STOP_FILE).touch()

    assert execute(run, "cpu", stop).state == "stopped"
    (run.path / STOP_FILE).unlink()
    write_status(run.path, replace(run.status(), state="queued"))
    return execute(run, "cpu")
