"""Claims about code in data: nothing that comes with a model, a checkpoint or a file is run."""

import contextlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from finegates.data.splits import load_splits
from finegates.data.user_files import read_frame
from finegates.errors import DataError, FineGatesError, ModelError, RunError
from finegates.gates.snapshots import load_snapshot
from finegates.nn.pretrained import load_pretrained
from finegates.spec import make_spec
from finegates.training.checkpoint import load_checkpoint, save_checkpoint
from finegates.training.session import open_session
from tests.fake_results import result


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Is there once planted code has run; that it would, is shown first."""
    path = tmp_path / "trace"
    pickle.loads(pickle.dumps(Bomb(path)))
    assert path.exists()
    path.unlink()
    return path


@pytest.fixture
def model_dir(toy_model_dir: Path, tmp_path: Path) -> Path:
    """A copy of a tiny model."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in toy_model_dir.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def load(folder: Path):
    return load_pretrained(str(folder), ("no", "yes"), "classification")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl", "model.ckpt"])
def test_a_model_in_a_pickle_is_refused_and_never_run(model_dir, trace, name):
    (model_dir / "model.safetensors").rename(model_dir / name)
    (model_dir / name).write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(ModelError, match="only as a pickle"):
        load(model_dir)
    assert not trace.exists()


def test_pickles_beside_the_weights_are_never_read(model_dir, trace):
    for name in ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "tokenizer.pkl"):
        (model_dir / name).write_bytes(pickle.dumps(Bomb(trace)))
    load(model_dir)
    assert not trace.exists()


def test_weights_that_are_a_pickle_by_another_name_are_refused(model_dir, trace):
    (model_dir / "model.safetensors").write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(ModelError, match="can't be loaded"):
        load(model_dir)
    assert not trace.exists()


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_is_never_run(model_dir, trace, file):
    (model_dir / "planted.py").write_text(f"open({str(trace)!r}, 'w').close()\nPlanted = None\n")
    names = ("AutoConfig", "AutoModelForSequenceClassification", "AutoTokenizer")
    planted = {name: "planted.Planted" for name in names} | {
        "AutoTokenizer": ["planted.Planted"] * 2
    }
    record = json.loads((model_dir / file).read_text()) if (model_dir / file).exists() else {}
    (model_dir / file).write_text(json.dumps({**record, "auto_map": planted}))
    with contextlib.suppress(FineGatesError):  # to refuse it is as good
        load(model_dir)
    assert not trace.exists()


def test_a_checkpoint_that_is_a_pickle_is_refused_and_never_run(runs_dir, toy_model_dir, trace):
    spec = make_spec({"method": "finegates", "model": str(toy_model_dir), "device": "cpu"})
    run = result(runs_dir, model=str(toy_model_dir))
    session = open_session(spec, load_splits(spec), "cpu")
    save_checkpoint(run, session, 3)
    assert load_checkpoint(run, session) == 3
    planted = run.path / "checkpoint" / "optimizer.pt"
    assert planted.is_file()
    planted.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(RunError, match="can't be used"):
        load_checkpoint(run, session)
    torch.save({"optimizer": Bomb(trace)}, planted)
    with pytest.raises(RunError, match="can't be used"):
        load_checkpoint(run, session)
    assert not trace.exists()


def test_a_snapshot_that_is_a_pickle_is_refused_and_never_run(tmp_path, trace):
    arrays = io.BytesIO()
    np.save(arrays, np.array([Bomb(trace)], dtype=object), allow_pickle=True)
    for content in (pickle.dumps(Bomb(trace)), arrays.getvalue()):
        (tmp_path / "0000001.safetensors").write_bytes(content)
        with pytest.raises(RunError, match="not a readable gate snapshot"):
            load_snapshot(tmp_path / "0000001.safetensors")
    assert not trace.exists()


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet"])
def test_a_pickle_by_the_name_of_a_table_is_refused_and_never_run(tmp_path, trace, name):
    (tmp_path / name).write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(DataError):
        read_frame(tmp_path / name)
    assert not trace.exists()


def test_a_parquet_column_that_names_a_python_class_is_read_as_bytes(tmp_path, trace):
    """As `pyarrow.PyExtensionType` kept one, in a pickle in the schema."""
    words = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Bomb(trace)),
    }
    field = pa.field("text", pa.binary(), metadata=words)
    pq.write_table(pa.table([[b"a", b"b"]], pa.schema([field])), tmp_path / "a.parquet")
    assert len(read_frame(tmp_path / "a.parquet")) == 2
    assert not trace.exists()


def test_a_zip_is_never_unpacked(tmp_path, trace):
    with zipfile.ZipFile(tmp_path / "a.csv", "w") as archive:
        archive.writestr("../../trace", "x")
    with pytest.raises(DataError, match="zip archive"):
        read_frame(tmp_path / "a.csv")
    assert not trace.exists()
