"""Claims about GLUE: each layout is read right, and each thing that is missing is named."""

import sys
from pathlib import Path

import datasets
import pandas as pd
import pytest

from finegates.data.glue import GLUE_DIR_VARIABLE, TASKS, read_glue
from finegates.errors import DataError
from finegates.spec import GLUE_TASKS

HEADERS = {
    "cola": "",
    "stsb": "index\tgenre\tsentence1\tsentence2\tscore\n",
    "mrpc": "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n",
    "rte": "index\tsentence1\tsentence2\tlabel\n",
    "sst2": "sentence\tlabel\n",
    "mnli": "index\tpromptID\tsentence1\tsentence2\tlabel1\tgold_label\n",
    "qnli": "index\tquestion\tsentence\tlabel\n",
    "qqp": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n",
}
ROWS = {
    "cola": ['x\t1\t\tThe "cat naps.\n', "x\t0\t*\tCat the naps.\n"],
    "stsb": ["0\ta\tA cat naps.\tA cat sleeps.\t4.500\n", "1\ta\tA cat.\tA \x85dog.\t0.000\n"],
    "mrpc": ["1\t7\t8\tA cat naps.\tA cat sleeps.\r\n", "0\t7\t9\tA cat.\tA dog.\r\n"],
    "rte": ["0\tA cat naps.\tA cat.\tentailment\n", "1\tA cat.\tA dog.\tnot_entailment\n"],
    "sst2": ["a warm nap \t1\n", "a cold nap \t0\n"],
    "mnli": ["0\t3\tA cat.\tA pet.\tneutral\tentailment\n", "1\t3\tA cat.\tNo.\t\tcontradiction\n"],
    "qnli": ["0\tWho naps?\tA cat naps.\tentailment\n", "1\tWho?\tNoon.\tnot_entailment\n"],
    "qqp": ["5\t1\t2\tWho naps?\tWho sleeps?\t1\n", "6\t1\t2\tWho?\tWhen?\t0\n"],
}
EXPECTED = {
    "cola": (['The "cat naps.', "Cat the naps."], None, [1, 0]),
    "stsb": (["A cat naps.", "A cat."], ["A cat sleeps.", "A \x85dog."], [4.5, 0.0]),
    "mrpc": (["A cat naps.", "A cat."], ["A cat sleeps.", "A dog."], [1, 0]),
    "rte": (["A cat naps.", "A cat."], ["A cat.", "A dog."], [0, 1]),
    "sst2": (["a warm nap ", "a cold nap "], None, [1, 0]),
    "mnli": (["A cat.", "A cat."], ["A pet.", "No."], [0, 2]),
    "qnli": (["Who naps?", "Who?"], ["A cat naps.", "Noon."], [0, 1]),
    "qqp": (["Who naps?", "Who?"], ["Who sleeps?", "When?"], [1, 0]),
}
OFFICIAL_ROWS = {
    "cola": (8551, 1043),
    "stsb": (5749, 1500),
    "mrpc": (3668, 408),
    "rte": (2490, 277),
    "sst2": (67349, 872),
}


def write_task(root: Path, name: str, train: str | None = None, folder: str = "") -> Path:
    """A tiny task in the glue_data layout; gives the path of its training file."""
    place = root / (folder or TASKS[name].folder)
    place.mkdir(parents=True)
    content = HEADERS[name] + "".join(ROWS[name])
    (place / TASKS[name].dev_file).write_bytes(content.encode())
    file = place / "train.tsv"
    file.write_bytes((content if train is None else HEADERS[name] + train).encode())
    return file


def columns(frame: pd.DataFrame) -> tuple:
    pair = frame["pair"].tolist() if "pair" in frame else None
    return frame["text"].tolist(), pair, frame["label"].tolist()


def test_table_has_every_task_of_the_spec() -> None:
    assert set(TASKS) == set(GLUE_TASKS)


@pytest.mark.parametrize("name", GLUE_TASKS)
def test_each_layout_is_read(tmp_path: Path, name: str) -> None:
    write_task(tmp_path, name)
    train, validation, source = read_glue(name, str(tmp_path))
    assert columns(train) == columns(validation) == EXPECTED[name]
    assert source == f"glue:{name} (local folder)"


def test_folder_is_found_whatever_its_case(tmp_path: Path) -> None:
    write_task(tmp_path, "sst2", folder="sst-2")
    assert len(read_glue("sst2", str(tmp_path))[0]) == 2


def test_setting_goes_before_environment(tmp_path: Path, monkeypatch) -> None:
    write_task(tmp_path / "a", "rte")
    write_task(tmp_path / "b", "rte", train=ROWS["rte"][0])
    monkeypatch.setenv(GLUE_DIR_VARIABLE, str(tmp_path / "b"))
    assert len(read_glue("rte", str(tmp_path / "a"))[0]) == 2
    assert len(read_glue("rte")[0]) == 1


def test_only_the_first_rows_are_read(tmp_path: Path) -> None:
    write_task(tmp_path, "sst2", train=ROWS["sst2"][0] + "a broken line\n")
    assert len(read_glue("sst2", str(tmp_path), max_train_rows=1)[0]) == 1


def test_task_without_data_names_what_was_found(tmp_path: Path) -> None:
    write_task(tmp_path, "rte")
    write_task(tmp_path, "cola")
    with pytest.raises(DataError, match="task without data.*'MNLI'.*found: CoLA, RTE"):
        read_glue("mnli", str(tmp_path))


def test_missing_file_and_missing_folder_are_named(tmp_path: Path) -> None:
    write_task(tmp_path, "rte").unlink()
    with pytest.raises(DataError, match="no file 'train.tsv'.*task without data"):
        read_glue("rte", str(tmp_path))
    with pytest.raises(DataError, match="does not exist"):
        read_glue("rte", str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("name", "train", "message"),
    [
        ("rte", ROWS["rte"][0] + "1\tOnly this.\n", "line 3: 2 fields were found and 4"),
        ("rte", "1\tA cat.\tA dog.\tmaybe\n", "line 2: the label is 'maybe'.*not_entailment"),
        ("sst2", "a nap\t2\n", "line 2: the label is '2'.*0 to 1"),
        ("stsb", "0\ta\tA cat.\tA dog.\tnan\n", "line 2: the label is 'nan'.*from 0 to 5"),
        ("cola", "x\t1\n", "line 1: 2 fields were found and 4"),
        ("rte", "", "holds no rows"),
    ],
)
def test_malformed_line_is_named(tmp_path: Path, name: str, train: str, message: str) -> None:
    write_task(tmp_path, name, train=train)
    with pytest.raises(DataError, match=message):
        read_glue(name, str(tmp_path))


def test_line_that_is_too_long_is_read_if_its_columns_are_there(tmp_path: Path) -> None:
    write_task(tmp_path, "sst2", train="a nap\t1\tmore\n")
    assert columns(read_glue("sst2", str(tmp_path))[0]) == (["a nap"], None, [1])


def test_broken_rows_of_qqp_are_left_out(tmp_path: Path) -> None:
    halves = "7\t1\t2\tWho is\n it?\tWho?\t1\n"
    write_task(tmp_path, "qqp", train=halves + ROWS["qqp"][0])
    assert len(read_glue("qqp", str(tmp_path))[0]) == 1


def test_wrong_header_and_wrong_encoding_are_named(tmp_path: Path) -> None:
    file = write_task(tmp_path, "sst2")
    file.write_text("text\tlabel\na nap\t1\n")
    with pytest.raises(DataError, match="line 1: the header has no column 'sentence'"):
        read_glue("sst2", str(tmp_path))
    file.write_bytes(b"sentence\tlabel\ncaf\xe9\t1\n")
    with pytest.raises(DataError, match="not UTF-8"):
        read_glue("sst2", str(tmp_path))


def hub_dataset(name: str) -> datasets.DatasetDict:
    """What the hub would give, made from the small rows above."""
    task, (texts, pairs, labels) = TASKS[name], EXPECTED[name]
    content = dict(zip(task.hub_texts, (texts, pairs), strict=False))
    rows = datasets.Dataset.from_dict({"idx": [0, 1], **content, "label": labels})
    return datasets.DatasetDict({"train": rows, task.hub_validation: rows})


@pytest.mark.parametrize("name", GLUE_TASKS)
def test_hub_gives_the_same_rows(monkeypatch, name: str) -> None:
    asked = []

    def load_dataset(*given: str) -> datasets.DatasetDict:
        asked.append(given)
        return hub_dataset(name)

    monkeypatch.delenv(GLUE_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    train, validation, source = read_glue(name)
    assert asked == [("nyu-mll/glue", name)]
    assert columns(train) == columns(validation) == EXPECTED[name]
    assert source == f"glue:{name} (hub nyu-mll/glue)"
    assert len(read_glue(name, max_train_rows=1)[0]) == 1


def test_unreachable_hub_names_what_works_offline(monkeypatch) -> None:
    def load_dataset(*given: str) -> None:
        raise ConnectionError("no route")

    monkeypatch.delenv(GLUE_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError) as caught:
        read_glue("qqp")
    for words in ("can't be reached", "no route", "task=sample", "glue_dir", "file of your own"):
        assert words in str(caught.value)


def test_a_missing_package_is_no_hub_out_of_reach(monkeypatch) -> None:
    monkeypatch.delenv(GLUE_DIR_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(
        DataError, match=r"datasets is not installed.*install it, or use task=sample"
    ):
        read_glue("sst2")


def test_hub_rows_without_label_and_missing_splits_are_refused(monkeypatch) -> None:
    rows = datasets.Dataset.from_dict({"sentence": ["A nap."], "label": [-1]})
    found = datasets.DatasetDict({"train": rows, "validation": rows})
    monkeypatch.delenv(GLUE_DIR_VARIABLE, raising=False)
    monkeypatch.setattr(datasets, "load_dataset", lambda *given: found)
    with pytest.raises(DataError, match="without a label"):
        read_glue("sst2")
    del found["validation"]
    with pytest.raises(DataError, match="no split 'validation'"):
        read_glue("sst2")


@pytest.mark.glue
@pytest.mark.parametrize("name", OFFICIAL_ROWS)
def test_real_files_have_the_official_row_counts(glue_dir: Path, name: str) -> None:
    train, validation, _ = read_glue(name, str(glue_dir))
    assert (len(train), len(validation)) == OFFICIAL_ROWS[name]
    assert not train.isna().any().any()
    if TASKS[name].labels:
        assert set(train["label"]) == set(range(len(TASKS[name].labels)))
    else:
        assert train["label"].between(0, 5).all()
