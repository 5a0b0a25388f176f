"""Claims about the dispatcher's looks at its folder: cheap, and never behind what is in it."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

import finegates.runs.folder
import finegates.runs.status
from finegates.jobs.queue import StatusReader, queued_runs
from finegates.runs.folder import SPEC_FILE, Run, create_run
from finegates.runs.status import Status, write_status
from finegates.spec import make_spec


def queue(runs_dir: Path) -> Run:
    return create_run(make_spec({"device": "cpu"}), {}, runs_dir)


def waiting(reader: StatusReader) -> list[str]:
    return [run.id for run in queued_runs(reader.read())]


@pytest.fixture
def read(monkeypatch) -> list[Path]:
    """Every JSON file of a run folder that is read."""
    paths: list[Path] = []
    for module in (finegates.runs.folder, finegates.runs.status):
        whole = module.read_json
        monkeypatch.setattr(
            module, "read_json", lambda path, whole=whole: paths.append(path) or whole(path)
        )
    return paths


def test_a_look_reads_only_the_runs_that_have_changed(runs_dir, read):
    runs = [queue(runs_dir) for _ in range(4)]
    write_status(runs[0].path, replace(runs[0].status(), state="finished"))
    reader = StatusReader(runs_dir)
    first = waiting(reader)
    assert first == [run.id for run in runs[1:]]
    assert {path.parent for path in read} == {run.path for run in runs}
    read.clear()
    assert waiting(reader) == first and not read
    write_status(runs[2].path, replace(runs[2].status(), state="stopped"))
    read.clear()
    assert waiting(reader) == [runs[1].id, runs[3].id]
    assert {path.parent for path in read} == {runs[2].path}


def test_runs_come_and_go_between_two_looks(runs_dir):
    reader, gone = StatusReader(runs_dir), queue(runs_dir)
    assert waiting(reader) == [gone.id]
    shutil.rmtree(gone.path)
    new = queue(runs_dir)
    assert waiting(reader) == [new.id]
    write_status(new.path, replace(new.status(), state="stopped"))
    assert waiting(reader) == []
    write_status(new.path, replace(new.status(), state="queued"))
    assert waiting(reader) == [new.id]


def test_a_run_that_was_spoilt_or_linked_since_the_last_look_does_not_wait(runs_dir, tmp_path):
    spoilt, linked, sound = (queue(runs_dir) for _ in range(3))
    reader, spec = StatusReader(runs_dir), (spoilt.path / SPEC_FILE).read_text()
    assert waiting(reader) == [spoilt.id, linked.id, sound.id]
    (spoilt.path / SPEC_FILE).write_text("{")
    (linked.path / "gates").symlink_to(tmp_path)
    assert waiting(reader) == [sound.id]
    (spoilt.path / SPEC_FILE).write_text(spec)
    assert waiting(reader) == [spoilt.id, sound.id]


def test_a_worker_that_has_died_is_told_though_no_file_has_changed(runs_dir):
    run = queue(runs_dir)
    worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    created = psutil.Process(worker.pid).create_time()
    here = {"host": os.uname().nodename, "pid": worker.pid, "process_created": created}
    write_status(run.path, Status("running", **here))
    reader = StatusReader(runs_dir)
    assert reader.read()[run].state == "running"
    worker.kill()
    worker.wait()
    assert reader.read()[run].state == "failed"
