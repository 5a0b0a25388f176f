"""Claims about a run's state: it is read from who is alive, never from what was last written."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace

import psutil
import pytest

from finegates.errors import RunError
from finegates.files.storage import write_json
from finegates.runs.status import (
    EXIT_FILE,
    FINAL_STATES,
    HEARTBEAT_LIMIT_S,
    LIVE_STATES,
    STATUS_FILE,
    STOP_FILE,
    Status,
    process_alive,
    read_status,
    write_status,
)

STEP = 17


def live(**changes) -> Status:
    """A running status whose worker is this very process."""
    me = psutil.Process()
    status = Status(
        state="running",
        step=STEP,
        host=socket.gethostname(),
        pid=me.pid,
        process_created=me.create_time(),
        heartbeat=time.time(),
    )
    return replace(status, **changes)


def reread(folder, **changes) -> Status:
    write_status(folder, live(**changes))
    return read_status(folder)


@pytest.fixture
def dead() -> dict:
    """Pid and creation time of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    created = psutil.Process(process.pid).create_time()
    process.communicate(b"\n")
    return {"pid": process.pid, "process_created": created}


@pytest.mark.parametrize("state", LIVE_STATES)
def test_a_live_state_holds_while_its_process_lives(tmp_path, state):
    assert reread(tmp_path, state=state).state == state


def test_a_pid_that_another_process_has_now_is_not_the_worker(tmp_path):
    me = psutil.Process()
    assert process_alive(me.pid, me.create_time())
    assert not process_alive(me.pid, me.create_time() - 60)
    assert reread(tmp_path, process_created=me.create_time() - 60).state == "failed"


@pytest.mark.parametrize("state", LIVE_STATES)
def test_a_dead_worker_means_failed_with_its_last_step(tmp_path, dead, state):
    heartbeat = time.time() - 5
    status = reread(tmp_path, state=state, heartbeat=heartbeat, **dead)
    assert status.state == "failed"
    assert f"Last step: {STEP}." in status.reason
    assert "see the log" in status.reason
    assert status.ended == heartbeat


def test_a_zombie_is_dead(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    created = psutil.Process(process.pid).create_time()
    deadline = time.monotonic() + 10
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not process_alive(process.pid, created)
    process.wait()


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (-signal.SIGKILL, "killed by signal 9: by hand, or by the system for want of memory"),
        (-signal.SIGSEGV, "ended by signal 11"),
        (3, "ended with exit code 3; see the log"),
        ("garbled", "without a word"),
    ],
)
def test_the_reason_says_how_the_worker_ended(tmp_path, dead, exit_code, words):
    write_json(tmp_path / EXIT_FILE, {"exit_code": exit_code})
    status = reread(tmp_path, **dead)
    assert status.state == "failed"
    assert words in status.reason
    assert f"pid {dead['pid']}" in status.reason


@pytest.mark.parametrize("exit_code", [None, -signal.SIGKILL, -signal.SIGTERM])
def test_a_worker_that_was_killed_after_a_stop_was_stopped(tmp_path, dead, exit_code):
    (tmp_path / STOP_FILE).touch()
    if exit_code is not None:
        write_json(tmp_path / EXIT_FILE, {"exit_code": exit_code})
    status = reread(tmp_path, **dead)
    assert status.state == "stopped"
    assert status.reason == f"Stopped by you; it had to be killed. Last step: {STEP}."


def test_a_worker_that_crashed_by_itself_failed_even_if_a_stop_was_asked_for(tmp_path, dead):
    (tmp_path / STOP_FILE).touch()
    write_json(tmp_path / EXIT_FILE, {"exit_code": 1})
    assert reread(tmp_path, **dead).state == "failed"


@pytest.mark.parametrize("host", [None, "another-host"])
@pytest.mark.parametrize("state", LIVE_STATES)
def test_a_live_run_that_was_asked_to_stop_is_stopping(tmp_path, state, host):
    (tmp_path / STOP_FILE).touch()
    changes = {"host": host} if host else {}
    assert reread(tmp_path, state=state, **changes).state == "stopping"


def test_on_another_host_the_heartbeat_decides(tmp_path):
    elsewhere = {"host": "another-host", "pid": 1, "process_created": 0.0}
    assert reread(tmp_path, **elsewhere, heartbeat=time.time() - 1).state == "running"
    silent = time.time() - HEARTBEAT_LIMIT_S - 10
    status = reread(tmp_path, **elsewhere, heartbeat=silent)
    assert status.state == "lost"
    assert "another-host" in status.reason
    assert status.ended == silent


@pytest.mark.parametrize("state", ("queued", *FINAL_STATES))
def test_a_state_without_a_worker_is_left_as_it_is(tmp_path, dead, state):
    (tmp_path / STOP_FILE).touch()
    written = live(state=state, reason="why", **dead)
    write_status(tmp_path, written)
    assert read_status(tmp_path) == written


def test_live_and_over_exclude_each_other():
    for state in LIVE_STATES:
        assert Status(state).is_live and not Status(state).is_over
    for state in FINAL_STATES:
        assert Status(state).is_over and not Status(state).is_live
    assert not Status("queued").is_live and not Status("queued").is_over


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "dreaming"}, "unknown state 'dreaming'"),
        ({"state": ["running"]}, r"state is \['running'\]"),
        ({"state": "running", "heartbeat": None, "host": "x"}, "heartbeat is None"),
        ({"state": "running", "pid": "12"}, "pid is '12'"),
        ({"metrics": 3}, "metrics is 3"),
    ],
)
def test_a_garbled_status_is_an_error_of_the_run(tmp_path, change, words):
    write_json(tmp_path / STATUS_FILE, change)
    with pytest.raises(RunError, match=words):
        read_status(tmp_path)


def test_a_field_of_a_later_version_is_passed_over(tmp_path):
    content = {"state": "finished", "score": 1, "mood": "good"}
    (tmp_path / STATUS_FILE).write_text(json.dumps(content))
    assert read_status(tmp_path) == Status(state="finished", score=1)


def test_a_status_from_before_the_hardware_was_kept_is_read_and_goes_on(tmp_path):
    old = asdict(live(device="cuda:1"))
    del old["hardware"]
    write_json(tmp_path / STATUS_FILE, old)
    status = read_status(tmp_path)
    assert status == Status(**old) and status.hardware == ""
    write_status(tmp_path, replace(status, hardware="NVIDIA L4"))
    assert read_status(tmp_path).hardware == "NVIDIA L4"


def test_what_is_written_is_what_is_read(tmp_path):
    status = Status(state="finished", score=0.5, metrics={"accuracy": 0.5}, started=1.0, ended=2.0)
    write_status(tmp_path, status)
    assert read_status(tmp_path) == status
    assert os.listdir(tmp_path) == [STATUS_FILE]
