"""What is said about a file on a page: how it is read, its columns, its remedies; and its run."""

from pathlib import Path

import pytest

from app.new import keys
from app.new.prefill import file_query
from app.reading.data import UPLOADS_FOLDER
from finegates.data.uploads import KeptFile, kept_files, save_upload
from finegates.runs.folder import list_runs
from finegates.spec import FIELDS, OF_A_FILE, make_spec
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts
from tests.app.test_runs_page import tick

ROWS = [f"the film number {i};{'good' if i % 2 else 'bad'}" for i in range(40)]
FILMS = "\n".join(["review;verdict", *ROWS]).encode()
SCORES = "\n".join(["text,score", *(f"the film {i},{i % 40}" for i in range(160))]).encode()
GAPS = "\n".join(["review;verdict", *ROWS, "no label here;", "nor here;"]).encode()


def keep(runs_dir: Path, name: str, content: bytes) -> KeptFile:
    path = save_upload(name, content, runs_dir / UPLOADS_FOLDER)
    (file,) = [f for f in kept_files(path.parent) if f.path == path]
    return file


def on_new_run(visit, file: KeptFile, page: str = "new_run", **parameters: str):
    return visit(page, file=file.path.name, **parameters)


def box(app, setting: str, file: KeptFile):
    return app.selectbox(key=keys.of_file(setting, file.path.name))


def button(app, words: str):
    return next(b for b in app.button if words in b.label)


def start(app):
    return app.button(key="start").click().run()


def plain_texts(app) -> str:
    return "\n".join(t.value for t in app.get("text"))


@pytest.mark.parametrize("page", ["data", "new_run", "new_sweep"])
def test_what_a_file_is_read_as_is_said_on_every_page(visit, runs_dir, page):
    file = keep(runs_dir, "films.txt", FILMS)
    app = visit(page, **({"data": "films.txt"} if page == "data" else {"file": file.path.name}))
    assert not app.exception and not app.error
    assert "Read as **Text table** · semicolon ( ; ) · utf-8" in texts(app)


def test_another_way_of_reading_is_chosen_and_part_of_the_run(visit, runs_dir):
    file = keep(runs_dir, "films.csv", FILMS.replace(b"film", b"caf\xe9"))
    app = on_new_run(visit, file)
    box(app, "encoding", file).select("latin-1").run()
    box(app, "header", file).select("yes").run()
    assert not app.exception and not app.error
    start(app)
    (run,) = list_runs(runs_dir)
    assert (run.spec.encoding, run.spec.header) == ("latin-1", "yes")


def test_a_way_that_does_not_work_is_said_and_can_be_taken_back(visit, runs_dir):
    file = keep(runs_dir, "films.csv", FILMS)
    app = on_new_run(visit, file)
    box(app, "encoding", file).select("utf-32").run()
    assert app.error and not app.exception and app.button(key="start").disabled
    assert file.path.name not in app.error[0].value and "films.csv" in app.error[0].value
    box(app, "encoding", file).select("").run()
    assert not app.error and not app.button(key="start").disabled


@pytest.mark.parametrize(("answer", "rows"), [("It is data", 40), ("It holds", 39)])
def test_a_first_row_that_looks_like_data_is_asked_about(visit, runs_dir, answer, rows):
    file = keep(runs_dir, "films.csv", "\n".join(ROWS).encode())
    app = on_new_run(visit, file)
    assert "The first row looks like data" in texts(app) and not app.exception
    assert "the film number 0" in plain_texts(app) and app.button(key="start").disabled
    button(app, answer).click().run()
    assert not app.error and not app.exception and "looks like data" not in texts(app)
    start(app)
    (run,) = list_runs(runs_dir)
    assert run.spec.header == ("no" if rows == 40 else "yes")


def test_whole_numbers_are_asked_about_and_the_answer_is_the_runs(visit, runs_dir):
    file = keep(runs_dir, "scores.csv", SCORES)
    app = on_new_run(visit, file)
    assert "**Are the labels numbers to predict, or names of classes?**" in texts(app)
    assert "from 0 to 39" in plain_texts(app)
    button(app, "Names of classes").click().run()
    assert "Are the labels numbers" not in texts(app) and not app.error
    start(app)
    (run,) = list_runs(runs_dir)
    assert run.spec.problem == "classification"


def test_the_reason_of_a_guess_is_on_its_box(visit, runs_dir):
    file = keep(runs_dir, "films.csv", FILMS)
    app = on_new_run(visit, file)
    for setting in ("text_column", "label_column", "problem"):
        help = FIELDS[setting].metadata["help"]
        assert len(box(app, setting, file).help) > len(help), setting


def test_a_finding_has_its_remedy_as_a_button_with_a_count_and_a_way_back(visit, runs_dir):
    file = keep(runs_dir, "films.csv", GAPS)
    app = on_new_run(visit, file)
    assert app.button(key="start").disabled
    button(app, "(2)").click().run()
    assert not app.error and not app.exception and not app.button(key="start").disabled
    assert "Left out 2 rows without a label." in texts(app)
    button(app, "Undo").click().run()
    assert app.button(key="start").disabled
    button(app, "(2)").click().run()
    start(app)
    (run,) = list_runs(runs_dir)
    assert run.spec.cleaning == ("drop_unlabelled",)


def test_a_second_file_is_scored_on(visit, runs_dir):
    file = keep(runs_dir, "train.csv", FILMS)
    other = keep(runs_dir, "test.csv", FILMS.replace(b"film", b"play"))
    app = on_new_run(visit, file)
    box(app, "validation", file).select("file " + other.path.name).run()
    assert not app.error and "**40** training rows, **40** for validation" in texts(app)
    start(app)
    (run,) = list_runs(runs_dir)
    assert Path(str(run.spec.validation_data)).name == other.path.name


def test_a_column_that_splits_the_rows_is_used_and_can_be_left_out(visit, runs_dir):
    rows = [f"{row};{'dev' if i > 29 else 'train'}" for i, row in enumerate(ROWS)]
    file = keep(runs_dir, "films.csv", "\n".join(["review;verdict;part", *rows]).encode())
    app = on_new_run(visit, file)
    assert "**30** training rows, **10** for validation" in texts(app)
    assert "'part' says (found)" in box(app, "validation", file).options[0]
    box(app, "validation", file).select("(none)").run()
    assert "**32** training rows, **8** for validation" in texts(app)


@pytest.mark.parametrize("page", ["new_run", "new_sweep"])
def test_a_kept_file_is_chosen_by_the_name_it_was_uploaded_with(visit, runs_dir, page):
    first = keep(runs_dir, "films.csv", FILMS)
    second = keep(runs_dir, "films.csv", FILMS.replace(b"film", b"play"))
    keep(runs_dir, "plays.csv", FILMS.replace(b"film", b"song"))
    app = visit(page)
    app.get_by_key(keys.SOURCE).set_value("Your file").run()
    options = app.selectbox(key=keys.FILE).options
    assert len({*options}) == 3 and "plays.csv" in options
    assert sum(name.startswith("films.csv (20") for name in options) == 2
    assert not any(file.path.name[:16] in name for file in (first, second) for name in options)
    app.selectbox(key=keys.FILE).select(str(second.path)).run()
    assert not app.error and not app.exception and not app.button(key="start").disabled


def everything(file: KeptFile, other: KeptFile) -> dict:
    return {
        "separator": "semicolon", "encoding": "cp1252", "decimal": "point", "header": "yes",
        "text_column": "review", "pair_column": "more", "label_column": "verdict",
        "problem": "classification", "cleaning": ("drop_unlabelled", "drop_repeats"),
        "data": str(file.path), "validation_data": str(other.path),
    }  # fmt: skip


def with_more(content: bytes) -> bytes:
    first, *rest = content.decode().split("\n")
    return "\n".join([f"{first};more", *(f"{row};more {i}" for i, row in enumerate(rest))]).encode()


@pytest.mark.parametrize("page", ["new_run", "new_sweep"])
def test_all_that_is_said_about_a_file_goes_along_in_an_address(visit, runs_dir, page):
    file = keep(runs_dir, "films.csv", with_more(FILMS))
    other = keep(runs_dir, "plays.csv", with_more(FILMS.replace(b"film", b"play")))
    spec = make_spec(everything(file, other))
    query = file_query(spec)
    assert not any(str(runs_dir) in word or "/" in word for word in query.values())
    app = visit(page, **query)
    assert not app.error and not app.exception
    start(app)
    got = list_runs(runs_dir)[0].spec
    assert {n: getattr(got, n) for n in OF_A_FILE} | {"data": got.data} == {
        n: getattr(spec, n) for n in OF_A_FILE
    } | {"data": str(Path(spec.data).resolve())} | {
        "validation_data": got.validation_data
    }  # fmt: skip
    assert Path(str(got.validation_data)).name == other.path.name


def test_a_duplicate_has_all_that_was_said_about_the_file(visit, runs_dir):
    file = keep(runs_dir, "films.csv", with_more(FILMS))
    other = keep(runs_dir, "plays.csv", with_more(FILMS.replace(b"film", b"play")))
    run = make_run(runs_dir, **everything(file, other))
    app = visit("runs")
    tick(app, run)
    app.button(key="duplicate").click().run()
    assert app.title[0].value == "New run" and not app.error and not app.exception
    start(app)
    (again,) = [r for r in list_runs(runs_dir) if r.id != run.id]
    assert all(getattr(again.spec, n) == getattr(run.spec, n) for n in OF_A_FILE)


@pytest.mark.parametrize(
    ("word", "value", "told"),
    [
        ("separator", "colon", "separator"),
        ("encoding", "utf-7000", "encoding"),
        ("cleaning", "drop_all", "cleaning"),
        ("split", "nowhere", "Unknown column"),
        ("validation", "../../etc/passwd", "Unknown kept file"),
    ],
)
def test_words_of_an_address_are_checked(visit, runs_dir, word, value, told):
    file = keep(runs_dir, "films.csv", FILMS)
    app = on_new_run(visit, file, **{word: value})
    assert told in plain_texts(app) and not app.exception
    assert app.get_by_key(keys.SOURCE).value == "Bundled sample"


def test_opening_an_address_leaves_nothing_in_the_log(visit, runs_dir, caplog):
    file = keep(runs_dir, "films.csv", FILMS)
    app = on_new_run(visit, file, label="review", text="verdict", header="yes", problem="auto")
    assert not app.exception
    assert not [r.message for r in caplog.records if "Session State" in r.message]
