"""Claims about the entry point: all sources give splits of one kind, and bad ones are named."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finegates.data.splits import (
    TextSplits,
    fingerprint,
    load_same_splits,
    load_splits,
    split_rows,
)
from finegates.errors import DataError
from finegates.spec import make_spec

REPOSITORY = Path(__file__).resolve().parents[2]


def write_reviews(folder: Path, rows: int = 40, name: str = "reviews.csv") -> Path:
    """Two classes, one of them three times as common."""
    lines = [f"Sentence number {i}.,{'rare' if i % 4 == 0 else 'common'}" for i in range(rows)]
    path = folder / name
    path.write_text("\n".join(["text,label", *lines, ""]))
    return path


def write_sst2(folder: Path, train: str, dev: str) -> Path:
    (folder / "SST-2").mkdir()
    for name, labels in (("train", train), ("dev", dev)):
        rows = "".join(f"{name} sentence {i}\t{label}\n" for i, label in enumerate(labels))
        (folder / "SST-2" / f"{name}.tsv").write_text("sentence\tlabel\n" + rows)
    return folder


def load(**settings: object):
    return load_splits(
        make_spec({k: str(v) if isinstance(v, Path) else v for k, v in settings.items()})
    )


def test_sample_is_ready_to_learn_from() -> None:
    splits = load(task="sample")
    assert (len(splits.train), len(splits.validation)) == (2000, 400)
    assert list(splits.train.columns) == ["text", "label"]
    assert splits.labels == ("unacceptable", "acceptable")
    assert splits.source == "sample"
    assert not splits.has_pairs
    assert set(load(task="sample", max_train_samples=20).train["label"]) == {0, 1}


def test_file_is_split_by_class(tmp_path: Path) -> None:
    splits = load(data=write_reviews(tmp_path))
    assert splits.labels == ("common", "rare")
    assert splits.metrics == ("accuracy", "macro_f1")
    assert splits.train["label"].value_counts().to_dict() == {0: 24, 1: 8}
    assert splits.validation["label"].value_counts().to_dict() == {0: 6, 1: 2}
    assert splits.source == "file:reviews.csv"
    assert str(tmp_path) not in repr(splits)


def test_file_with_pairs_and_scores(tmp_path: Path) -> None:
    lines = [f"Left {i}.\tRight {i}.\t{i / 7}" for i in range(30)]
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(["sentence1\tsentence2\tscore", *lines]))
    splits = load(data=path, validation_fraction=0.1)
    assert splits.has_pairs
    assert (splits.problem, splits.labels) == ("regression", ())
    assert splits.metrics == ("pearson", "spearman")
    assert (len(splits.train), len(splits.validation)) == (27, 3)
    assert splits.train["label"].dtype == "float64"


def test_settings_of_the_columns_are_used(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,other,label,kind\n" + "A,B,x,1\nC,D,x,2\n" * 4)
    splits = load(data=path, text_column="other", pair_column="text", label_column="kind")
    assert splits.labels == ("1", "2")
    assert set(splits.train["text"]) == {"B", "D"}
    assert set(splits.train["pair"]) == {"A", "C"}
    with pytest.raises(DataError, match="Did you mean 'kind'"):
        load(data=path, label_column="kinds")


rows = st.lists(st.integers(0, 4), min_size=2, max_size=80).filter(
    lambda labels: all(labels.count(label) > 1 for label in labels)
)


@settings(max_examples=200)
@given(labels=rows, fraction=st.floats(0.05, 0.5), seed=st.integers(0, 2**40))
def test_split_is_stratified_disjoint_and_complete(labels: list, fraction: float, seed) -> None:
    frame = pd.DataFrame({"text": [str(i) for i in range(len(labels))], "label": labels})
    train, validation = split_rows(frame, fraction, seed, stratified=True)
    assert sorted([*train["text"], *validation["text"]]) == sorted(frame["text"])
    for label in set(labels):
        kept = (validation["label"] == label).sum()
        assert 1 <= kept < labels.count(label)
        assert abs(kept - fraction * labels.count(label)) <= 1


@settings(max_examples=100)
@given(count=st.integers(4, 200), fraction=st.floats(0.05, 0.5), seed=st.integers(0, 99))
def test_plain_split_is_disjoint_and_complete(count: int, fraction: float, seed: int) -> None:
    frame = pd.DataFrame({"text": range(count), "label": [i / 2 for i in range(count)]})
    train, validation = split_rows(frame, fraction, seed, stratified=False)
    assert sorted([*train["text"], *validation["text"]]) == list(range(count))
    assert len(validation) == max(2, round(count * fraction))


def test_seed_alone_decides_the_split(tmp_path: Path) -> None:
    path = write_reviews(tmp_path)
    first, again = load(data=path), load(data=path, seed=5)
    assert first.fingerprint == again.fingerprint
    assert load(data=path, split_seed=1).fingerprint != first.fingerprint


def test_fingerprint_sees_texts_labels_names_and_cut_but_not_the_file_name(tmp_path) -> None:
    path = write_reviews(tmp_path)
    content, whole = path.read_text(), load(data=path).fingerprint
    assert len(whole) == 64
    assert load(data=write_reviews(tmp_path, name="copy.csv")).fingerprint == whole
    changes = [("number 7.", "number 7!"), ("2.,common", "2.,rare"), ("rare", "scarce")]
    found = {whole, load(data=path, max_train_samples=20).fingerprint}
    for old, new in changes:
        path.write_text(content.replace(old, new))
        found.add(load(data=path).fingerprint)
    assert len(found) == 5


def test_first_rows_of_glue_are_used(tmp_path: Path) -> None:
    write_sst2(tmp_path, train="010101", dev="01")
    splits = load(task="sst2", glue_dir=tmp_path, max_train_samples=3)
    assert splits.train["text"].tolist() == [f"train sentence {i}" for i in range(3)]
    assert len(splits.validation) == 2
    assert splits.labels == ("negative", "positive")
    assert splits.source == "glue:sst2 (local folder)"


def test_cut_that_loses_a_class_says_to_raise_it(tmp_path: Path) -> None:
    write_sst2(tmp_path, train="000001", dev="01")
    with pytest.raises(
        DataError, match=r"3 training rows: positive. Raise 'training rows at most'"
    ):
        load(task="sst2", glue_dir=tmp_path, max_train_samples=3)


def test_class_that_is_never_shown_is_named(tmp_path: Path) -> None:
    write_sst2(tmp_path, train="0000", dev="01")
    with pytest.raises(DataError, match="not in the 4 training rows: positive. Each class"):
        load(task="sst2", glue_dir=tmp_path)


def test_class_that_is_never_asked_for_is_the_users_fault_only_in_his_file(tmp_path) -> None:
    write_sst2(tmp_path, train="0101", dev="00")
    assert len(load(task="sst2", glue_dir=tmp_path).validation) == 2


def test_cut_of_a_file_that_has_fewer_rows_than_classes_says_which_it_leaves_out(
    tmp_path: Path,
) -> None:
    lines = [f"Sentence {i}.,class {i % 10}" for i in range(40)]
    path = tmp_path / "many.csv"
    path.write_text("\n".join(["text,label", *lines]))
    splits = load(data=path, max_train_samples=5)
    assert len(splits.train) == splits.train["label"].nunique() == 5
    assert (
        "leave no training row of class" in splits.done[-1] and "drew 5" in splits.done[0].lower()
    )


def test_scores_that_are_all_the_same_are_refused(tmp_path: Path) -> None:
    (tmp_path / "STS-B").mkdir()
    for name in ("train", "dev"):
        content = "sentence1\tsentence2\tscore\n" + "A.\tB.\t2.0\n" * 3 + "A.\tC.\t4.0\n"
        (tmp_path / "STS-B" / f"{name}.tsv").write_text(content)
    assert load(task="stsb", glue_dir=tmp_path).problem == "regression"
    with pytest.raises(
        DataError, match="All 2 training rows have the same label. Raise 'training rows"
    ):
        load(task="stsb", glue_dir=tmp_path, max_train_samples=2)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file .*nowhere.csv"):
        load(data=tmp_path / "nowhere.csv")


def test_loading_imports_no_heavy_library() -> None:
    heavy = "{'torch', 'transformers', 'datasets', 'sklearn'}"
    code = (
        "import sys; from finegates.data.splits import load_splits;"
        "from finegates.spec import make_spec;"
        "import finegates.training.metrics, finegates.data.user_files;"
        f"load_splits(make_spec({{}})); print({heavy} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.glue
@pytest.mark.parametrize("name", ["cola", "stsb", "mrpc", "rte", "sst2"])
def test_real_tasks_load_and_cut(glue_dir: Path, name: str) -> None:
    splits = load(task=name, glue_dir=glue_dir, max_train_samples=400)
    assert len(splits.train) == 400
    assert len(splits.validation) > 200
    assert splits.has_pairs == (name not in ("cola", "sst2"))


def test_rows_put_aside_take_the_place_of_the_validation_rows(glue_dir):
    given = {"task": "cola", "glue_dir": str(glue_dir)}
    whole = load_splits(make_spec(given))
    aside = load_splits(make_spec({**given, "hold_out_fraction": 0.1, "max_train_samples": 500}))
    texts = list(whole.train["text"])
    assert len(aside.validation) == pytest.approx(0.1 * len(texts), abs=2)
    assert set(aside.validation["text"]) <= set(texts) and len(aside.train) == 500
    again = load_splits(make_spec({**given, "hold_out_fraction": 0.1}))
    assert len(again.train) + len(again.validation) == len(texts)
    assert list(again.validation["text"]) == list(aside.validation["text"])
    assert aside.fingerprint != whole.fingerprint


def test_rows_that_an_earlier_version_drew_are_found_again(tmp_path: Path) -> None:
    """It took the first rows, saw no column of sides, and took the first line for a header."""
    path = tmp_path / "mine.csv"
    lines = [f"text {i},{'ab'[i % 2]},{'test' if i % 3 else 'train'}" for i in range(60)]
    path.write_text("text,label,split\n" + "\n".join(lines))
    spec = make_spec({"data": str(path), "max_train_samples": 9})
    frame = pd.DataFrame([line.split(",")[:2] for line in lines], columns=["text", "label"])
    frame["label"] = [["a", "b"].index(label) for label in frame["label"]]
    train, validation = split_rows(frame, spec.validation_fraction, spec.split_seed, True)
    before = TextSplits(train.head(9), validation, "classification", ("a", "b"), (), "", "")
    again = load_same_splits("my run", spec, fingerprint(before))
    assert again.train["text"].tolist() == train["text"].tolist()[:9]
    assert again.fingerprint == fingerprint(before)
    now = load_same_splits("my run", spec, None)
    assert now.fingerprint == load_splits(spec).fingerprint != fingerprint(before)
    with pytest.raises(DataError, match="data of my run has changed"):
        load_same_splits("my run", spec, "0" * 64)
