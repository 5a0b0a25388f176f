"""Claims about files that are read while they are written, and that survive a crash."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finegates.errors import RunError
from finegates.files.storage import LineReader, append_line, read_json, write_json

rows_of_json = st.lists(
    st.dictionaries(
        st.text(max_size=4),
        st.none()
        | st.integers()
        | st.text(max_size=8)
        | st.floats(allow_nan=False, allow_infinity=False),
        max_size=3,
    ),
    max_size=8,
)


def add(path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_a_line_that_is_half_written_is_left_for_the_next_read(tmp_path):
    path, line = tmp_path / "m.jsonl", b'{"step":2}\n'
    reader = LineReader(path)
    add(path, b'{"step":1}\n' + line[:5])
    assert reader.read_new() == [{"step": 1}]
    assert reader.read_new() == []
    add(path, line[5:])
    assert reader.read_new() == [{"step": 2}]
    assert reader.num_bad_lines == 0


def test_a_file_that_is_not_there_yet_has_no_rows(tmp_path):
    reader = LineReader(tmp_path / "m.jsonl")
    assert reader.read_new() == []
    append_line(tmp_path / "m.jsonl", {"step": 1})
    assert reader.read_new() == [{"step": 1}]


def test_a_file_that_has_become_shorter_is_read_from_its_start(tmp_path):
    path = tmp_path / "m.jsonl"
    reader = LineReader(path)
    add(path, b'{"step":1}\n{"step":2}\n')
    reader.read_new()
    path.write_bytes(b'{"step":9}\n')
    assert reader.read_new() == [{"step": 9}]


@pytest.mark.parametrize(
    "garbage",
    [b"not json", b"\x80\xff\x00", b"[1, 2]", b"7", b'{"step":', b"[" * 100_000],
    ids=["words", "bytes", "array", "number", "half", "nested"],
)
def test_garbage_is_counted_and_the_rows_around_it_are_read(tmp_path, garbage):
    path = tmp_path / "m.jsonl"
    add(path, b'{"step":1}\n' + garbage + b'\n\n{"step":2}\n')
    reader = LineReader(path)
    assert reader.read_new() == [{"step": 1}, {"step": 2}]
    assert reader.num_bad_lines == 1


def test_a_line_after_a_torn_one_is_whole(tmp_path):
    path = tmp_path / "m.jsonl"
    append_line(path, {"step": 1})
    add(path, b'{"step":2,"lo')
    append_line(path, {"step": 3})
    reader = LineReader(path)
    assert reader.read_new() == [{"step": 1}, {"step": 3}]
    assert reader.num_bad_lines == 1


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows_of_json, data=st.data())
def test_however_the_bytes_arrive_every_row_is_read_exactly_once(tmp_path, rows, data):
    whole = tmp_path / "whole.jsonl"
    growing = tmp_path / "growing.jsonl"
    for path in (whole, growing):
        path.unlink(missing_ok=True)
    for row in rows:
        append_line(whole, row)
    content = whole.read_bytes() if rows else b""
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=6).map(sorted))
    reader, read = LineReader(growing), []
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        add(growing, content[start:end])
        read += reader.read_new()
    assert read == rows
    assert reader.num_bad_lines == 0


def test_json_is_replaced_as_a_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "status.json"
    write_json(path, {"step": 1})
    write_json(path, {"step": 2})
    assert read_json(path) == {"step": 2}
    assert os.listdir(tmp_path) == ["status.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    path = tmp_path / "status.json"
    write_json(path, {"step": 1})

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"step": 2})
    assert read_json(path) == {"step": 1}
    assert os.listdir(tmp_path) == ["status.json"]


def test_json_that_no_other_reader_takes_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    with pytest.raises(ValueError, match="Out of range"):
        append_line(tmp_path / "a.jsonl", {"loss": float("inf")})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "it is not a run folder"),
        (b"{", "can't be read"),
        (b"\xff\xfe", "can't be read"),
        (b"[" * 100_000, "can't be read"),
        (b"[1]", "is not a JSON object"),
    ],
    ids=["missing", "half", "bytes", "nested", "array"],
)
def test_a_damaged_json_file_is_named_with_its_folder(tmp_path, content, words):
    if content is not None:
        (tmp_path / "spec.json").write_bytes(content)
    with pytest.raises(RunError, match=words) as caught:
        read_json(tmp_path / "spec.json")
    assert tmp_path.name in str(caught.value)
    assert "spec.json" in str(caught.value)


def test_a_row_is_one_line_whatever_is_in_it(tmp_path):
    append_line(tmp_path / "a.jsonl", {"text": "a\nb\u2028c\r"})
    content = (tmp_path / "a.jsonl").read_bytes()
    assert content.count(b"\n") == 1
    assert json.loads(content) == {"text": "a\nb\u2028c\r"}
