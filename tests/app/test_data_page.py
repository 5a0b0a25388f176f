"""The user's data sets: kept, checked, shown as escape_markdown text, and handed to a run."""

import gzip
import time
from pathlib import Path

import numpy as np
import pytest

from app.charts.data import length_bars, target_bars
from app.data.frames import (
    MOST_BINS,
    MOST_CLASSES,
    class_frame,
    histogram,
    majority_share,
    plain,
    target_histogram,
)
from app.new import keys
from app.new.prefill import file_query
from app.new.remedies import rows_named
from app.reading.data import UPLOADS_FOLDER
from app.text import escape_markdown
from finegates.data.uploads import KeptFile, kept_files, save_upload
from finegates.runs.folder import list_runs
from finegates.spec import make_spec
from tests.app.components import codes
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts

ROWS = [f"the film number {i},{'good' if i % 2 else 'bad'}" for i in range(40)]
FILMS = "\n".join(["review,verdict", *ROWS]).encode()
NASTY = "![x](http://example.org/x.png) <b>$x$</b>"


def keep(runs_dir: Path, name: str, content: bytes) -> KeptFile:
    path = save_upload(name, content, runs_dir / UPLOADS_FOLDER)
    (file,) = [f for f in kept_files(path.parent) if f.path == path]
    return file


def upload(visit, name: str, content: bytes):
    return visit("data").file_uploader(key="data_upload").upload(name, content).run()


def kept(runs_dir: Path) -> list[str]:
    return [file.name for file in kept_files(runs_dir / UPLOADS_FOLDER)]


def table_of(app, column: str):
    (found,) = [t.value for t in app.dataframe if column in t.value.columns]
    return found


def metric(app, label: str) -> str:
    return next(m.value for m in app.metric if m.label == label)


def plain_texts(app) -> str:
    return "\n".join(t.value for t in app.get("text"))


def test_without_files_the_sample_is_shown(visit):
    app = visit("data")
    assert not app.exception and not app.error
    assert metric(app, "Rows") == "2,400" and "None yet." in texts(app)
    assert "Nothing was found" in app.success[0].value
    assert len(app.get("vega_lite_chart")) == 2


def test_an_upload_is_kept_chosen_and_looked_at(visit, runs_dir):
    app = upload(visit, "films.csv", FILMS)
    assert not app.exception and not app.error
    assert kept(runs_dir) == ["films.csv"]
    assert app.selectbox(key="data").value == "films.csv"
    assert metric(app, "Rows") == "40" and metric(app, "Training / validation") == "32 / 8"
    assert table_of(app, "size")["name"].tolist() == ["films.csv"]
    assert table_of(app, "review")["row"].tolist() == list(range(1, 21))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"review,verdict\nfine,good\nno, not,bad\n", "line 3: 3 fields were found"),
        (b"review,verdict\n", "has no rows"),
        (b"PK\x03\x04 zip", "zip archive or an Excel workbook"),
    ],
)
def test_a_file_that_can_not_be_read_is_told_and_not_kept(visit, runs_dir, content, told):
    app = upload(visit, "films.csv", content)
    assert not app.exception and kept(runs_dir) == []
    assert told in app.error[0].value and "'films.csv'" in app.error[0].value
    assert app.selectbox(key="data").value is None
    assert not app.metric and "Ready to train on" not in texts(app)  # no other data in its place
    app.selectbox(key="data").select("Bundled sample").run()
    assert told in app.error[0].value and metric(app, "Rows") == "2,400"


def test_a_broken_file_that_was_kept_before_is_told_by_its_name(visit, runs_dir):
    keep(runs_dir, "films.csv", b"review,verdict\nfine,good\nno, not,bad\n")
    app = visit("data", data="films.csv")
    assert not app.exception and app.error[0].value.startswith("'films.csv', line 3")


def test_a_refused_text_can_be_read_in_another_way(visit, runs_dir):
    rows = "\n".join(f"the film{',' * (i % 2)} {i},{'good' if i % 3 else 'bad'}" for i in range(40))
    app = upload(visit, "films.csv", f"review,verdict\n{rows}\n".encode())
    assert "fields were found" in app.error[0].value and kept(runs_dir) == []
    app.selectbox(key=keys.of_file("separator", "films.csv")).select("tab").run()
    app.button(key="data_upload_done_again").click().run()
    (file,) = kept_files(runs_dir / UPLOADS_FOLDER)
    assert app.selectbox(key="data").value == file.name == "films.csv" and not app.exception
    assert app.selectbox(key=keys.of_file("separator", file.path.name)).value == "tab"


def test_another_way_is_not_offered_for_what_is_no_text(visit):
    app = upload(visit, "films.csv", b"PK\x03\x04 zip")
    assert not [box for box in app.selectbox if box.label == "Separator"]


@pytest.mark.parametrize("name", ["films.txt", "films", "films.csv.gz", "films.dat"])
def test_the_ending_of_a_files_name_does_not_matter(visit, runs_dir, name):
    content = gzip.compress(FILMS) if name.endswith("gz") else FILMS
    app = upload(visit, name, content)
    assert not app.exception and not app.error
    assert kept(runs_dir) == [name] and metric(app, "Training / validation") == "32 / 8"


def test_one_class_is_told_in_the_words_of_a_run(visit, runs_dir):
    keep(runs_dir, "one.csv", FILMS.replace(b",bad", b",good"))
    app = visit("data", data="one.csv")
    assert "has one class only, 'good'" in plain_texts(app) and not app.success
    assert metric(app, "Training / validation") == "–"


def test_a_file_without_a_label_is_told(visit, runs_dir):
    keep(runs_dir, "texts.csv", b"review\nfine film\nbad film\n")
    app = visit("data", data="texts.csv")
    assert not app.exception and "has one column only, 'review'" in app.error[0].value


def test_columns_are_mapped_and_the_report_follows(visit, runs_dir):
    rows = "\n".join(f"{row},{i % 4}" for i, row in enumerate(ROWS))
    file = keep(runs_dir, "films.csv", f"review,verdict,stars\n{rows}\n".encode())
    app = visit("data", data="films.csv")
    assert "4 classes" in app.get("vega_lite_chart")[0].proto.alt  # "stars" is guessed
    app.selectbox(key=keys.of_file("label_column", file.path.name)).select("verdict").run()
    assert not app.exception and not app.error
    assert "2 classes" in app.get("vega_lite_chart")[0].proto.alt


def test_a_number_to_predict_is_told_by_its_range(visit, runs_dir):
    rows = "\n".join(f"the film {i},{i / 7}" for i in range(60))
    keep(runs_dir, "scores.csv", f"text,score\n{rows}\n".encode())
    app = visit("data", data="scores.csv")
    assert metric(app, "Label, min") == "0" and metric(app, "Label, max") == "8.429"
    assert "60 rows have which number" in app.get("vega_lite_chart")[0].proto.alt


def test_the_majority_is_of_a_class_and_not_of_the_bar_of_others(visit, runs_dir):
    rows = "\n".join(f"please do {i},intent_{i % 40:02}" for i in range(240))
    keep(runs_dir, "many.csv", f"text,label\n{rows}\n".encode())
    app = visit("data", data="many.csv")
    assert "would score 2.5%" in texts(app)


def test_what_the_model_can_not_read_is_told_with_its_share(visit, runs_dir):
    rows = "\n".join(f"这个房间{i}很{'好' if i % 2 else '坏'},{i % 2}" for i in range(60))
    keep(runs_dir, "rooms.csv", f"text,label\n{rows}\n".encode())
    app = visit("data", data="rooms.csv")
    assert float(metric(app, "Unknown tokens").rstrip("%")) > 10
    assert any("does not know" in w.value for w in app.warning)
    app = visit("data")
    assert metric(app, "Unknown tokens") == "0.0%" and not app.warning


def test_faults_are_listed_with_rows_and_their_rows_are_shown(visit, runs_dir):
    content = FILMS + b"\n,good\nthe film number 1,good\nthe film number 2,good"
    keep(runs_dir, "films.csv", content)
    app = visit("data", data="films.csv")
    found = plain_texts(app)
    assert "Empty text. " in found and " Row 41." in found
    assert "Same text, different labels. " in found and " Rows 3, 43." in found
    assert "Repeated row. " in found and " Row 42." in found
    box = next(b for b in app.selectbox if b.label == "Show")
    box.select("2. Same text, different labels").run()
    shown = table_of(app, "review")
    assert shown["row"].tolist() == [3, 43] and shown["verdict"].tolist() == ["bad", "good"]


def test_tokens_are_counted_against_the_limit(visit, runs_dir):
    app = visit("data", length="tokens")
    assert not app.exception and not app.error
    assert "**0** of 2,400 rows" in texts(app)
    app.number_input(key="new.max_length").set_value(7).run()
    assert "are longer than 7 tokens and cut there" in texts(app)
    assert "**0** of" not in texts(app)


def test_tokens_of_a_model_that_is_not_here_are_told_not_to_be_countable(visit):
    app = visit("data", length="tokens")
    app.selectbox(key="new_model_kind").select("Hugging Face id").run()
    assert "Name a model first" in app.error[0].value
    app.text_input(key="new_hub_id").set_value("nobody/no-such-model").run()
    assert "on this machine" in app.error[0].value and not app.exception


def test_deleting_asks_first_and_tells_which_runs_used_the_file(visit, runs_dir):
    file = keep(runs_dir, "films.csv", FILMS)
    make_run(runs_dir, data=str(file.path))
    app = visit("data", data="films.csv")
    assert "1 run was made with it" in app.warning[0].value and kept(runs_dir) == ["films.csv"]
    app.button(key="delete_data").click().run()
    assert not app.exception and kept(runs_dir) == []
    assert app.selectbox(key="data").value == "Bundled sample"


def test_a_file_that_is_not_kept_is_told(visit):
    app = visit("data", data="gone.csv")
    assert "'gone.csv' is not kept here" in app.error[0].value
    assert metric(app, "Rows") == "2,400"


def test_files_of_one_name_are_told_apart(visit, runs_dir):
    first = keep(runs_dir, "films.csv", FILMS)
    second = keep(runs_dir, "films.csv", FILMS.replace(b"film", b"play"))
    app = visit("data")
    options = app.selectbox(key="data").options
    assert len({*options}) == 3 and all(name.startswith("films.csv (20") for name in options[1:])
    assert not any(file.path.name[:16] in name for file in (first, second) for name in options)


def test_new_run_opens_with_the_file_and_its_columns(visit, runs_dir):
    rows = "\n".join(f"{row},{i % 4}" for i, row in enumerate(ROWS))
    file = keep(runs_dir, "films.csv", f"review,verdict,stars\n{rows}\n".encode())
    spec = make_spec({"data": str(file.path), "text_column": "review", "label_column": "verdict"})
    app = visit("new_run", **file_query(spec))
    assert not app.exception and not app.error
    app.button(key="start").click().run()
    (run,) = list_runs(runs_dir)
    assert (run.spec.data, run.spec.label_column) == (str(file.path.resolve()), "verdict")
    assert run.spec.pair_column is None


def test_the_sample_opens_in_new_run_even_if_a_file_was_chosen(visit, runs_dir):
    app = visit("new_run")
    app.get_by_key("new_source").set_value("GLUE").run()
    app.query_params["task"] = "sample"
    app.run()
    assert codes(app)[0] == "python -m finegates train --method finegates+lora"


@pytest.mark.parametrize("name", ["../../etc/passwd", "films.csv", "/etc/passwd"])
def test_only_kept_files_are_opened_by_an_address(visit, runs_dir, name):
    keep(runs_dir, "other.csv", FILMS)
    app = visit("new_run", file=name)
    assert not app.exception and "is not here" in app.error[0].value
    assert f"Unknown kept file '{name}'" in plain_texts(app)


def test_a_column_of_an_address_that_is_not_in_the_file_is_told(visit, runs_dir):
    file = keep(runs_dir, "films.csv", FILMS)
    app = visit("new_run", file=file.path.name, label="verdikt")
    assert "Did you mean 'verdict'" in plain_texts(app) and not app.exception


def test_nothing_of_the_data_is_markdown(visit, runs_dir):
    rows = "\n".join(f'"{NASTY} {i}","{NASTY if i % 2 else "b"}"' for i in range(40))
    file = keep(runs_dir, "nasty.csv", f'"{NASTY}","label {NASTY}"\n{rows}\n,\n'.encode())
    app = visit("data", data="nasty.csv")
    app.selectbox(key=keys.of_file("header", file.path.name)).select("yes").run()
    assert not app.exception and NASTY in plain_texts(app)
    drawn = [e.value for kind in ("markdown", "caption", "warning", "error", "info", "success")
             for e in app.get(kind)]  # fmt: skip
    assert not [words for words in drawn if "![x](" in words or "<b>" in words]


def test_words_are_escaped_for_markdown():
    assert escape_markdown(NASTY).startswith(
        "\\!\\[x\\](http\\://\u2060example.org/x.png) \\<b\\>\\$x\\$"
    )
    assert escape_markdown("www.x.org a@b.org") == "www\u2060.x.org a@\u2060b.org"
    assert escape_markdown("'films.csv', line 2: 3 fields") == "'films.csv', line 2: 3 fields"


def test_a_hundred_thousand_rows_stay_quick_once_they_were_read(visit, runs_dir):
    rows = "\n".join(f"the film number {i},{'gb'[i % 2]}" for i in range(100_000))
    keep(runs_dir, "big.csv", f"review,verdict\n{rows}\n".encode())
    app = visit("data", data="big.csv")
    assert metric(app, "Rows") == "100,000" and not app.exception
    start = time.perf_counter()
    app.get_by_key("length").set_value("words").run()
    seconds = time.perf_counter() - start
    print(f"\na second look at 100,000 rows took {seconds:.2f} s")
    assert seconds < 5


# Frames and charts


def test_histograms_count_every_value_once():
    values = np.random.default_rng(0).integers(3, 900, 5000)
    frame = histogram(values)
    assert len(frame) <= MOST_BINS and frame["rows"].sum() == 5000
    assert frame["share"].sum() == pytest.approx(1)
    assert frame["start"].iloc[0] == values.min() and frame["end"].iloc[-1] > values.max()
    assert (frame["end"] - frame["start"]).nunique() == 1
    assert histogram(np.array([5, 5]))[["start", "end", "rows"]].values.tolist() == [[5, 6, 2]]
    assert histogram(np.array([], dtype=int))["rows"].sum() == 0


def test_many_classes_are_the_largest_and_the_rest():
    frame = class_frame({f"c{i}": 100 - i for i in range(60)})
    assert len(frame) == MOST_CLASSES + 1 and frame["label"].iloc[-1] == "40 others"
    assert frame["rows"].sum() == sum(100 - i for i in range(60))


def test_the_majority_of_no_class_is_nothing():
    assert majority_share({"a": 3, "b": 1}) == 0.75 and majority_share({}) == 0


def test_targets_are_counted_on_bins_of_their_own_size():
    whole = target_histogram(np.arange(61.0))
    assert (whole["end"] - whole["start"]).unique().tolist() == [2] and whole["rows"].sum() == 61
    values = np.random.default_rng(0).normal(2e5, 1e4, 1000)
    frame = target_histogram(values)
    assert len(frame) <= MOST_BINS and frame["rows"].sum() == 1000
    assert len(target_histogram(np.array([0.5, 1.5]))) == 1
    assert target_histogram(np.array([1e300, -1e300]))["rows"].sum() == 2
    assert "price" in target_bars(frame, "price").to_json()


def test_numbers_are_written_without_exponents():
    shown = [plain(x) for x in (165234.5, 2.5, 0.0, 8.4285, -0.00125)]
    assert shown == ["165,200", "2.5", "0", "8.428", "-0.00125"]


def test_the_limit_is_drawn_where_texts_are_longer():
    frame = histogram(np.array([5, 300]))
    assert "cut at 128" in length_bars(frame, "tokens", 128).to_json()
    assert "cut at" not in length_bars(frame, "tokens", 512).to_json()
    assert "cut at" not in length_bars(frame, "words").to_json()


def test_the_first_rows_of_many_are_named():
    assert rows_named((1, 2_000)) == "1, 2,000"
    assert rows_named(tuple(range(1, 11))) == "1, 2, 3, 4, 5, 6, 7, 8 and 2 more"
