"""Claims about the corpus of hostile files: a clear sentence or rows, in bounds, nothing left."""

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finegates.data.report import report_on
from finegates.data.uploads import kept_files, save_readable, shown_name
from finegates.data.user_files import read_frame
from finegates.errors import DataError
from finegates.spec import make_spec
from tests.data.uploads.corpus import GOOD, Case, corpus

ROOT = Path(__file__).resolve().parents[3]
CASES = corpus()
HEAVY = {
    "10^6 keys", "2.1 million rows", "3 x 10^6 empty lists", "texts that share their start",
    "1.3 GB of one letter as Parquet",
}  # fmt: skip
BOMBS = [case for case in CASES if case.bomb and case.what not in HEAVY]
HEAVY_BOMBS = [case for case in CASES if case.what in HEAVY]
MOST_SECONDS = 20.0
"""Of the processor: the tests may run beside a training."""
MOST_CHARACTERS = 700
"""Of a sentence: it has to fit on a page."""
MOST_BYTES = 900 * 1024**2
"""Of memory beyond what the libraries take: the largest of these files is 45 MB."""
READ_ALL = r"""
import json, re, resource, sys, time
from pathlib import Path
from finegates.errors import DataError
from finegates.data.user_files import read_frame
import pyarrow.parquet, pyarrow.compute
resource.setrlimit(resource.RLIMIT_AS, (12 * 1024**3, 12 * 1024**3))
def memory(name):  # of this process: getrusage tells the peak of the one that started it, too
    return int(re.search(name + r":\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
for path in map(Path, sys.argv[1:]):
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start = memory("VmRSS"), time.process_time()
    try:
        read_frame(path)
        told = ""
    except DataError as error:
        told = str(error)
    seconds, grown = time.process_time() - start, memory("VmHWM") - before
    print(json.dumps([path.parent.name, told, grown, seconds]))
"""


def everything_below(folder: Path) -> set[Path]:
    return {*folder.rglob("*")}


def is_clear(sentence: str) -> bool:
    """Whether it can be shown anywhere: short, one line, no control characters, whole words."""
    printable = all(c.isprintable() for c in sentence)
    return len(sentence) <= MOST_CHARACTERS and printable and sentence.endswith((".", "?"))


def test_the_corpus_is_large_and_named_without_repeats():
    assert len({case.what for case in CASES}) == len(CASES) >= 60
    assert len(BOMBS) >= 15 and len(HEAVY_BOMBS) == len(HEAVY)


@pytest.mark.parametrize("case", [c for c in CASES if not c.bomb], ids=lambda case: case.what)
def test_a_hostile_file_is_read_or_refused_in_a_clear_sentence(tmp_path: Path, case: Case):
    folder, content = tmp_path / "kept", case.make()
    start = time.process_time()
    if case.reads:
        path = save_readable(case.name, content, folder)
        assert everything_below(tmp_path) == {folder, path} and path.read_bytes() == content
        assert [file.path for file in kept_files(folder)] == [path]
        describe_all(path)
    else:
        with pytest.raises(DataError) as caught:
            save_readable(case.name, content, folder)
        sentence = str(caught.value)
        assert all(word in sentence for word in (*case.told, shown_name(case.name))), sentence
        assert is_clear(sentence), sentence
        assert everything_below(tmp_path) <= {folder}
    assert time.process_time() - start < MOST_SECONDS


def describe_all(path: Path) -> None:
    """What the page would tell of it: rows, or why they can't be learned from, in clear words."""
    frame = read_frame(path)
    names = list(frame.columns)
    columns = {"text_column": names[0], "label_column": names[-1]} if len(names) > 1 else {}
    try:
        report = report_on(frame, make_spec({"task": "file", "data": str(path), **columns}))
    except DataError as error:
        assert is_clear(str(error)), str(error)
        return
    assert not report.refusal or is_clear(report.refusal), report.refusal
    assert all(is_clear(fault.text) for fault in report.faults), report.faults


def read_apart(cases: list[Case], folder: Path) -> dict[str, tuple[str, int, float]]:
    """What a process of its own said of each bomb, how far its memory grew, and its seconds."""
    paths = []
    for case in cases:
        place = folder / case.what.replace("/", " ")
        place.mkdir()
        (place / case.name).write_bytes(case.make())
        paths.append(str(place / case.name))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *paths], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    read = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: (told, grown, seconds) for name, told, grown, seconds in read}


def check_refused(case: Case, read: dict[str, tuple[str, int, float]]) -> None:
    sentence, grown, seconds = read[case.what.replace("/", " ")]
    assert bool(sentence) != case.reads
    assert case.reads or all(word in sentence for word in case.told), sentence
    assert case.reads or is_clear(sentence), sentence
    assert grown < MOST_BYTES and seconds < MOST_SECONDS


@pytest.fixture(scope="module")
def bombs_read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, int, float]]:
    return read_apart(BOMBS, tmp_path_factory.mktemp("bombs"))


@pytest.mark.parametrize("case", BOMBS, ids=lambda case: case.what)
def test_a_bomb_is_refused_before_it_goes_off(bombs_read, case: Case):
    check_refused(case, bombs_read)


@pytest.mark.slow
@pytest.mark.parametrize("case", HEAVY_BOMBS, ids=lambda case: case.what)
def test_a_bomb_that_takes_long_to_build_is_refused_too(tmp_path: Path, case: Case):
    check_refused(case, read_apart([case], tmp_path))


SOUND = [c.make() for c in CASES if c.what in ("whole", "script in texts", "mixed types")]
SOUND += [GOOD.encode(), GOOD.replace(",", "\t").encode(), GOOD.encode("utf-16")]
SOUND += [gzip.compress(GOOD.encode()), b'[{"text": "a", "label": {"name": "x"}}]']


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A sound file with pieces cut out, repeated, or written over."""
    content = bytearray(draw(st.sampled_from(SOUND)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 40)))
        piece = bytes(content[start:end])
        content[start:end] = draw(st.sampled_from([b"", piece * 3]) | st.binary(max_size=12))
    return bytes(content)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=mangled(),
    kind=st.sampled_from(["", ".csv", ".tsv", ".jsonl", ".parquet"]),
    name=st.text(max_size=20),
)
def test_any_mangled_file_under_any_name_is_kept_or_leaves_nothing(tmp_path, content, kind, name):
    folder = tmp_path / "kept"
    try:
        path = save_readable(f"{name}{kind}", content, folder)
    except DataError as error:
        assert is_clear(str(error)), str(error)
        assert not everything_below(folder)
        return
    assert everything_below(folder) == {path} and path.parent == folder
    path.unlink()


def test_what_fails_otherwise_leaves_nothing_either(tmp_path):
    def fail(path: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_readable("a.csv", GOOD.encode(), tmp_path, fail)
    assert not everything_below(tmp_path)


def test_a_file_that_was_kept_before_stays_when_it_can_not_be_read_again(tmp_path):
    path = save_readable("a.csv", GOOD.encode(), tmp_path)

    def fail(path: Path) -> None:
        raise DataError(f"'{path.name}' is damaged.")

    with pytest.raises(DataError, match=r"'a\.csv' is damaged"):
        save_readable("a.csv", GOOD.encode(), tmp_path, fail)
    assert path.read_bytes() == GOOD.encode()
