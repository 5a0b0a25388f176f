"""``compress``: the smaller model next to the one that it was made from."""

import json

import pytest
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finegates.cli import main
from finegates.data.splits import load_splits
from finegates.jobs.compress import compression
from finegates.methods import WARM_SETTINGS
from finegates.runs.folder import open_run
from finegates.runs.predictions import read_predictions
from finegates.spec import make_spec

pytestmark = pytest.mark.usefixtures("one_thread")
QUICK = ("--max-train-samples", "64", "--device", "cpu", "--precision", "fp32")


@pytest.fixture
def folder(toy_model_dir, tmp_path):
    """A classifier of the sample by plain transformers, its labels in another order and case."""
    names = [label.upper() for label in load_splits(make_spec({})).labels[::-1]]
    ids = dict(enumerate(names))
    model = AutoModelForSequenceClassification.from_pretrained(
        toy_model_dir, id2label=ids, label2id={name: i for i, name in ids.items()}
    )
    model.save_pretrained(tmp_path / "tuned")
    AutoTokenizer.from_pretrained(toy_model_dir).save_pretrained(tmp_path / "tuned")
    return tmp_path / "tuned"


def test_the_last_line_compares_the_smaller_model_with_the_given_one(capsys, runs_dir, folder):
    words = ("compress", str(folder), "--remove", "0.4", "--runs-dir", str(runs_dir), *QUICK)
    assert main(words) == 0
    out, err = capsys.readouterr()
    row = json.loads(out.splitlines()[-1])
    assert row["removed_weights_fraction"] == pytest.approx(0.4, abs=0.01)
    assert row["drop"] == pytest.approx(row["reference_score"] - row["score"])
    assert row["drop_low"] <= row["drop"] <= row["drop_high"]
    run = open_run(runs_dir, row["run"])
    status, found = run.status(), read_predictions(run.path)
    assert row["reference_score"] == pytest.approx(status.reference_score)
    assert row["score"] == pytest.approx((found.answers == found.labels).mean())
    assert (run.spec.method, run.spec.teacher, run.spec.epochs) == ("finegates+full", "start", 20)
    assert (
        f"{row['rows']:,} validation rows" in err and f"{row['rows_for_one_point']:,} would" in err
    )


def test_the_users_settings_win_and_other_methods_keep_their_own():
    spec = compression("folder", 0.6, {"epochs": 1, "target_delay_fraction": 0.3})
    assert (spec.epochs, spec.target_delay_fraction, spec.target_sparsity) == (1, 0.3, 0.6)
    assert compression("folder", 0.6, {}).epochs == 4
    # 100,000 rows have steps enough in an epoch; 2,000 have 63, and a stage is 160.
    assert compression("folder", 0.6, {}, 100_000).epochs == 4
    assert compression("folder", 0.4, {}, 2000).epochs == 8
    assert compression("folder", 0.4, {"epochs": 2}, 2000).epochs == 2
    assert compression("folder", 0.9, {}, 10).epochs == 20
    assert WARM_SETTINGS.items() <= vars(compression("folder", 0.2, {})).items()
    lora = compression("folder", 0.2, {"method": "finegates+lora"})
    assert lora.target_delay_fraction == make_spec({}).target_delay_fraction


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--remove", "1.5"), "remove is 1.5; allowed is 0.0 to 0.95"),
        (("--remove", "0.4", "--task", "cola", "--data", "a.csv"), "a.csv"),
        (("--remove", "0.4", "--method", "full"), "'full' removes nothing"),
    ],
)
def test_what_can_not_be_is_refused_in_one_line(capsys, runs_dir, folder, words, said):
    assert main(["compress", str(folder), "--runs-dir", str(runs_dir), *words]) == 2
    _, err = capsys.readouterr()
    assert said in err and err.count("\n") == 1 and not list(runs_dir.iterdir())
