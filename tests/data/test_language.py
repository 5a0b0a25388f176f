"""Claims about files of language models: documents, prompts with answers, chats."""

import json
from pathlib import Path

import pandas as pd
import pytest

from finegates.data.chats import messages_of
from finegates.data.report import report_of_file
from finegates.data.splits import load_splits
from finegates.errors import DataError, FineGatesError, SpecError
from finegates.jobs.inputs import describe_splits
from finegates.spec import make_spec

DOCUMENTS = [f"Document {i} begins.\nIt ends with number {i}." for i in range(20)]
CHAT = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "Four."}]


def text_file(folder: Path, between: str = "\n\n", documents=DOCUMENTS, name="book.txt") -> Path:
    path = folder / name
    path.write_text(between.join(documents))
    return path


def splits_of(path: Path, task: str = "text", **settings):
    return load_splits(make_spec({"task": task, "data": str(path), **settings}))


def table(folder: Path, rows, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def prompts(number: int = 12) -> list[dict]:
    return [{"prompt": f"What is {i}?", "answer": f"A number: {i}"} for i in range(number)]


@pytest.mark.parametrize("between", ["\n\n", "\n \n\n", "\n<|endoftext|>\n", "\r\n\r\n"])
def test_documents_of_plain_text_are_split_and_never_cut(tmp_path, between):
    splits = splits_of(text_file(tmp_path, between))
    sides = [
        side["text"].str.replace("\r", "").tolist() for side in (splits.train, splits.validation)
    ]
    assert sorted(sides[0] + sides[1]) == sorted(DOCUMENTS) and len(sides[1]) == 4
    assert (splits.problem, splits.labels, splits.texts) == ("causal-lm", (), ["text"])
    assert splits.metrics == ("perplexity@128", "token_accuracy@128")
    assert "20 documents" in splits.done[0] and splits.source == "file:book.txt"


def test_without_blank_lines_each_line_is_a_document(tmp_path):
    lines = [f"line {i}" for i in range(10)]
    splits = splits_of(text_file(tmp_path, "\n", lines), max_length=32)
    assert sorted([*splits.train["text"], *splits.validation["text"]]) == lines
    assert splits.metrics[0] == "perplexity@32"


@pytest.mark.parametrize("name", ["texts.csv", "texts.parquet", "texts.jsonl"])
def test_a_column_of_a_table_is_text_too(tmp_path, name):
    frame = pd.DataFrame({"number": range(20), "story": DOCUMENTS})
    path = tmp_path / name
    if name.endswith("csv"):
        frame.to_csv(path, index=False)
    elif name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        table(tmp_path, frame.to_dict("records"), name)
    for settings in ({"text_column": "story"}, {}):
        splits = splits_of(path, **settings)
        assert sorted([*splits.train["text"], *splits.validation["text"]]) == sorted(DOCUMENTS)


def test_prompts_and_answers_are_found_by_name(tmp_path):
    rows = [{"id": i, "output": r["answer"], "instruction": r["prompt"]}
            for i, r in enumerate(prompts())]  # fmt: skip
    splits = splits_of(table(tmp_path, rows), "instructions")
    assert splits.texts == ["prompt", "answer"] and splits.metrics[0] == "perplexity"
    assert all(splits.train["prompt"].str.startswith("What"))
    assert describe_splits(splits)["mean_words"] == pytest.approx(6)


@pytest.mark.parametrize("as_text", [False, True])
def test_chats_keep_their_messages(tmp_path, as_text):
    chats = [[{"role": "system", "content": f"Be {i}."}, *CHAT] for i in range(8)]
    rows = [{"messages": json.dumps(chat) if as_text else chat} for chat in chats]
    splits = splits_of(table(tmp_path, rows), "instructions")
    found = [
        messages_of(chat) for chat in (*splits.train["messages"], *splits.validation["messages"])
    ]
    assert sorted(found, key=str) == sorted(chats, key=str) and splits.texts == ["messages"]


def test_messages_with_other_names_are_chats_too(tmp_path):
    chat = [{"from": "human", "value": "How many?"}, {"from": "gpt", "value": "Four."}]
    splits = splits_of(table(tmp_path, [{"conversations": chat}] * 6), "instructions")
    assert messages_of(splits.train["messages"][0]) == CHAT


def test_the_fingerprint_is_that_of_the_texts(tmp_path):
    one = splits_of(text_file(tmp_path)).fingerprint
    assert splits_of(text_file(tmp_path)).fingerprint == one
    assert splits_of(text_file(tmp_path), split_seed=1).fingerprint != one


def test_findings_name_what_a_score_would_suffer_from(tmp_path):
    rows = [*prompts(), *prompts(6), {"prompt": "long " * 40, "answer": "yes"}]
    spec = make_spec({"task": "instructions", "data": str(table(tmp_path, rows)), "max_length": 32})
    report = report_of_file(spec)
    found = {fault.name: fault for fault in report.faults}
    assert found["Repeated row"].rows == tuple(range(13, 19)) and not report.refusal
    assert found["Too long"].rows == (19,) and "Text in training and validation" in found
    kept = make_spec({**_given(spec), "cleaning": ("drop_repeats",)})
    assert {fault.name for fault in report_of_file(kept).faults} == {"Too long"}


def _given(spec):
    return {"task": spec.task, "data": spec.data, "max_length": spec.max_length}


def test_repeated_documents_on_both_sides_are_found_and_left_out(tmp_path):
    path = text_file(tmp_path, documents=[*DOCUMENTS, *DOCUMENTS])
    spec = make_spec({"task": "text", "data": str(path)})
    assert {fault.name for fault in report_of_file(spec).faults} == {
        "Repeated row", "Text in training and validation",
    }  # fmt: skip
    splits = load_splits(make_spec({**_given(spec), "cleaning": ("drop_leaks",)}))
    assert not {*splits.train["text"]} & {*splits.validation["text"]}


def test_empty_answers_are_found_and_refused(tmp_path):
    rows = [*prompts(), {"prompt": "And?", "answer": " "}]
    report = report_of_file(make_spec({"task": "instructions", "data": str(table(tmp_path, rows))}))
    (fault,) = report.faults
    assert (fault.name, fault.rows, fault.refused) == ("Empty answer", (13,), True)
    assert "The answer column 'answer' is empty in row 13" in report.refusal


BAD = [
    ("text", "One line and no more.", {}, "holds 1 document; 4 at least are needed"),
    ("text", " \n \n", {}, "holds no text, only blank lines"),
    ("text", {"text": "a"}, {"text_column": "words"}, "Unknown column 'words'"),
    ("instructions", {"prompt": "a", "reply_of": "b"}, {}, "No column looks like the answer"),
    ("instructions", {"messages": CHAT[:1]}, {}, "without an answer by the assistant in row 1"),
    ("instructions", {"messages": [{"role": "judge", "content": "?"}, CHAT[1]]}, {},
     "a message by 'judge' in row 1"),
    ("instructions", {"chat": "hello"}, {"messages_column": "chat"},
     "is no list of messages in row 1"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "content", "settings", "said"), BAD)
def test_bad_files_are_refused_with_what_to_do(tmp_path, task, content, settings, said):
    path = tmp_path / "rows.txt"
    if isinstance(content, str):
        path.write_text(content)
    else:
        path = table(tmp_path, [content] * 4)
    with pytest.raises(DataError, match=said):
        splits_of(path, task, **settings)


WRONG = [
    ({"task": "text"}, "no file was given"),
    ({"task": "text", "data": "a.txt", "label_column": "y"}, "label_column was given"),
    ({"task": "instructions", "data": "a", "text_column": "y"}, "text_column was given"),
    ({"data": "a.csv", "prompt_column": "y"}, "prompt_column was given"),
    ({"task": "instructions", "data": "a", "messages_column": "m", "prompt_column": "p"},
     "leave one"),
    ({"task": "text", "data": "a.txt", "problem": "regression"}, "leave problem out"),
    ({"task": "text", "data": "a.txt", "cleaning": ("mend_slips",)}, "mend_slips"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_settings_of_another_task_are_refused(given, said):
    with pytest.raises(SpecError, match=said):
        make_spec(given)


def test_a_labelled_file_is_read_as_before(tmp_path):
    path = table(tmp_path, [{"text": f"t {i}", "label": "ab"[i % 2]} for i in range(12)])
    assert load_splits(make_spec({"data": str(path)})).problem == "classification"
    with pytest.raises(FineGatesError):
        splits_of(tmp_path / "none.txt")
