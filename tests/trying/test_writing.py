"""A run's language model, dense and pruned, going on from a prompt: tokens, ends and stops."""

import json
import threading
import time
from functools import partial

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finegates.errors import RunError, SpecError
from finegates.gates.cuts import AS_TRAINED, Cut
from finegates.runs.measurements import NOTHING_REMOVED
from finegates.shrinking.shrink import prune
from finegates.training.restore import restore_model
from finegates.training.token_rows import prompt_ids
from finegates.trying import writers as writers_module
from finegates.trying import writing_client
from finegates.trying.client import OFF, READY, look, stop
from finegates.trying.continuations import (
    ENDED,
    FULL,
    LENGTH,
    MOST_NEW_TOKENS,
    MOST_PROMPT_CHARACTERS,
    STOP_FILE,
    STOPPED,
    WRITING_FILE,
    Continuation,
    Prompt,
    Writing,
)
from finegates.trying.messages import try_folder
from finegates.trying.server import _write_waiting, serve
from finegates.trying.writers import DenseAndPrunedWriters
from tests.fake_results import result
from tests.toy_models import save_toy_language_model
from tests.trying.language_runs import TEMPLATE, instructions_run, text_run
from tests.trying.test_try import until

pytestmark = pytest.mark.usefixtures("one_thread")

CUT = Cut(remove=0.5)
CONTEXT = 320


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    return save_toy_language_model(folder, TEMPLATE, max_position_embeddings=CONTEXT)


@pytest.fixture(scope="module")
def run(model_dir, tmp_path_factory):
    return text_run(model_dir, tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def writers(run):
    return DenseAndPrunedWriters(run)


@pytest.fixture
def endless(writers, monkeypatch):
    """The same, but no token ends a text."""
    monkeypatch.setattr(writers, "_ends", set())
    return writers


def write(writers, prompt, stopped=lambda: False):
    told = []
    last = writers.write(prompt, told.append, stopped)
    return last, told


def masked(run, cut):
    model, tokenizer = restore_model(run)
    prune(model, cut)
    return model, tokenizer


@torch.no_grad()
def greedy(model, ids, count):
    """Tokens one by one, without a cache."""
    new = []
    for _ in range(count):
        new.append(int(model(input_ids=torch.tensor([[*ids, *new]])).logits[0, -1].argmax()))
    return new


@pytest.mark.parametrize("cut", [CUT, Cut(threshold=0.6), AS_TRAINED])
def test_both_write_what_the_masked_model_writes(run, endless, cut):
    done, _ = write(endless, Prompt("anna makes", cut, new_tokens=20))
    for said, own in ((done.dense, NOTHING_REMOVED), (done.pruned, cut)):
        model, tokenizer = masked(run, own)
        expected = greedy(model, prompt_ids(tokenizer, "anna makes", asks=False), 20)
        assert said.text == f" {tokenizer.decode(expected, skip_special_tokens=True)}"
        assert (said.tokens, said.over) == (20, LENGTH) and said.tokens_per_s > 0
    assert done.prompt_tokens == 2 and done.done


def test_agreement_is_of_the_likeliest_tokens_along_the_dense_continuation(
    run, endless, monkeypatch
):
    passes = []
    real = writers_module._likeliest
    monkeypatch.setattr(writers_module, "_likeliest", lambda *a: passes.append(a) or real(*a))
    for temperature in (0.0, 1.5):
        prompt = Prompt("anna makes", CUT, new_tokens=24, temperature=temperature, seed=3)
        done, _ = write(endless, prompt)
        (dense, tokenizer), (pruned, _) = masked(run, NOTHING_REMOVED), masked(run, CUT)
        ids = passes[-1][1]  # the last token of a continuation decides nothing
        assert len(ids) == 25
        assert f"anna makes{done.dense.text}".startswith(
            tokenizer.decode(ids, skip_special_tokens=True)
        )
        with torch.no_grad():
            both = [
                m(input_ids=torch.tensor([ids])).logits[0, 1:].argmax(-1) for m in (dense, pruned)
            ]
        assert done.compared == 24 and done.same == int((both[0] == both[1]).sum())
        assert done.agreement == done.same / 24
    same, _ = write(endless, Prompt("anna makes", NOTHING_REMOVED, temperature=1.0))
    assert same.agreement == 1 and same.dense.text == same.pruned.text


def test_draws_follow_their_seed(endless):
    drawn = [
        write(endless, Prompt("anna", CUT, new_tokens=40, temperature=2.0, seed=seed))[0].dense.text
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_text_ends_where_the_model_ends_it(run, writers, monkeypatch):
    model, tokenizer = masked(run, NOTHING_REMOVED)
    third = greedy(model, prompt_ids(tokenizer, "bert eats", asks=False), 3)
    monkeypatch.setattr(writers, "_ends", {third[-1]})
    done, _ = write(writers, Prompt("bert eats", CUT))
    assert done.dense.over == ENDED and done.dense.tokens == third.index(third[-1]) + 1
    assert tokenizer.eos_token_id in DenseAndPrunedWriters(run)._ends


def test_what_is_told_grows_on_both_sides(endless, monkeypatch):
    monkeypatch.setattr("finegates.trying.writers.TELL_EVERY_S", -1)
    done, told = write(endless, Prompt("anna makes", CUT, new_tokens=12))
    for side in ("dense", "pruned"):
        counts = [getattr(each, side).tokens for each in told]
        assert counts[:12] == list(range(1, 13))
        assert getattr(done, side).text.startswith(getattr(told[3], side).text)
    assert not any(each.done for each in told)


def test_a_stop_ends_it_at_the_next_token(endless):
    asked = []

    def stopped():
        asked.append(1)
        return len(asked) > 10

    done, _ = write(endless, Prompt("anna makes", CUT, new_tokens=200), stopped)
    assert (done.dense.tokens, done.pruned.tokens) == (5, 5)
    assert done.was_stopped and done.done and done.agreement is None


def test_the_context_is_the_end_and_a_longer_prompt_is_refused(endless):
    done, _ = write(endless, Prompt("tea " * (CONTEXT - 8), CUT, new_tokens=30))
    assert (done.dense.over, done.dense.tokens) == (FULL, 8) and done.compared == 8
    with pytest.raises(SpecError, match="The prompt has 320 tokens, and this model reads at most "
                                        "320: shorten it"):  # fmt: skip
        write(endless, Prompt("tea " * CONTEXT, CUT))


def test_instructions_go_through_the_chat_template(model_dir, tmp_path):
    run = instructions_run(model_dir, tmp_path)
    tokenizer = restore_model(run)[1]
    ids = prompt_ids(tokenizer, "anna makes", asks=True)
    assert tokenizer.decode(ids) == "<user> anna makes </s> <bot>"
    done, _ = write(DenseAndPrunedWriters(run), Prompt("anna makes", AS_TRAINED))
    assert done.prompt_tokens == len(ids) and done.dense.over == ENDED
    assert done.dense.text.strip() == "tea ."


def test_without_a_template_a_prompt_begins_as_in_training(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(save_toy_language_model(tmp_path))
    assert tokenizer.decode(prompt_ids(tokenizer, "anna makes", asks=True)) == "anna makes"


def test_the_dense_one_is_the_types_own_at_its_full_size(run, writers):
    dense, (small, removed) = writers._dense, writers._gated.pruned(CUT)
    assert type(dense).__name__ == "LlamaForCausalLM" and removed == pytest.approx(0.5, abs=0.05)
    weights = [sum(p.numel() for p in model.parameters()) for model in (dense, small)]
    plain = AutoModelForCausalLM.from_pretrained(run.spec.model)
    assert weights[1] < weights[0] == plain.num_parameters()


@pytest.mark.parametrize(
    "wrong", [{"text": " "}, {"text": "x" * (MOST_PROMPT_CHARACTERS + 1)}, {"new_tokens": 0},
              {"new_tokens": MOST_NEW_TOKENS + 1}, {"new_tokens": 2.0}, {"temperature": -0.1},
              {"temperature": float("nan")}, {"temperature": 3}, {"seed": -1}, {"seed": "1"}],
)  # fmt: skip
def test_prompts_are_bounded(wrong):
    with pytest.raises(SpecError):
        Prompt(**{"text": "a", "cut": CUT, **wrong})
    content = {**Prompt("a", CUT).to_dict(), **wrong}
    with pytest.raises(SpecError):
        Prompt.from_dict(content)


@pytest.mark.parametrize("content", [{}, {"remove": "x"}, {"remove": 0.1, "text": "a"}])
def test_a_prompt_is_read_with_distrust(content):
    with pytest.raises(SpecError):
        Prompt.from_dict(content)


def test_messages_survive_their_way():
    prompt = Prompt("one\ntwo", CUT, 9, 0.5, 7)
    assert Prompt.from_dict(json.loads(json.dumps(prompt.to_dict()))) == prompt
    side = Continuation("three", 4, 0.1, 0.3, ENDED)
    writing = Writing(prompt, 2, 0.4, side, Continuation(), 4, 3, True)
    assert Writing.from_dict(json.loads(json.dumps(writing.to_dict()))) == writing
    assert side.tokens_per_s == pytest.approx(10) and Continuation("a", 1).tokens_per_s is None
    assert writing.agreement == 0.75 and not writing.was_stopped
    with pytest.raises(RunError, match="can't be read"):
        Writing.from_dict({"prompt": {}})


def done_writing(run):
    writing = writing_client.written(run)
    return writing is not None and writing.done and writing_client.waiting(run) is None


@pytest.mark.slow
def test_a_process_writes_for_whoever_looks_and_stops_when_told(run, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    prompt = Prompt("anna makes", CUT, new_tokens=MOST_NEW_TOKENS, temperature=1.0)
    writing_client.begin(run, prompt)
    assert writing_client.waiting(run) == prompt and writing_client.written(run) is None
    until(lambda: done_writing(run))
    first = writing_client.written(run)
    assert first.prompt == prompt and first.compared == first.dense.tokens > 0
    writing_client.begin(run, Prompt("tea " * CONTEXT, CUT))
    until(lambda: done_writing(run) and writing_client.written(run).error)
    assert "reads at most 320" in writing_client.written(run).error
    assert look(run).state == READY
    stop(run)
    until(lambda: not (try_folder(run) / WRITING_FILE).exists())
    assert look(run).state == OFF


def test_a_stop_reaches_the_server_and_a_prompt_that_waits_is_taken_back(runs_dir, monkeypatch):
    """The server on models that write until they are stopped."""
    run = result(runs_dir, 0.8)
    monkeypatch.setattr("finegates.trying.client.start", lambda run: None)
    monkeypatch.setattr("finegates.trying.server._turn_of", endless_turn)
    seen = []

    def visitor():
        writing_client.begin(run, Prompt("one", CUT))
        until(lambda: seen_tokens(run) > 3)
        seen.append(writing_client.written(run).prompt.text)
        writing_client.begin(run, Prompt("two", CUT))  # what is asked anew ends the one before
        until(lambda: (w := writing_client.written(run)) and w.prompt.text == "two")
        until(lambda: seen_tokens(run) > 3)
        writing_client.stop_writing(run)
        until(lambda: done_writing(run))
        seen.append(writing_client.written(run).dense.over)

    thread = threading.Thread(target=visitor)
    thread.start()
    assert serve(run, idle_s=1.0) == 2
    thread.join()
    assert seen == ["one", STOPPED] and not (try_folder(run) / WRITING_FILE).exists()
    writing_client.begin(run, Prompt("three", CUT))
    writing_client.stop_writing(run)
    assert writing_client.waiting(run) is None
    assert serve(run, idle_s=0.1) == 0


def seen_tokens(run):
    writing = writing_client.written(run)
    return writing.dense.tokens if writing and not writing.done else 0


def endless_turn(run, folder):
    def write(prompt, tell, stopped):
        tokens = 0
        while not stopped():
            tokens += 1
            tell(Writing(prompt, dense=Continuation("x " * tokens, tokens)))
            time.sleep(0.01)
        return Writing(prompt, dense=Continuation("x", tokens, over=STOPPED), done=True)

    return partial(_write_waiting, folder, write)


def test_a_prompt_that_is_none_is_passed_over_and_a_bug_is_told(runs_dir, monkeypatch, capsys):
    run = result(runs_dir, 0.8)
    folder = try_folder(run)
    folder.mkdir(parents=True)

    def broken(prompt, tell, stopped):
        raise ValueError("oh")

    (folder / "prompt.json").write_text("[]")
    assert _write_waiting(folder, broken) == 0 and not list(folder.glob("*.json"))
    monkeypatch.setattr("finegates.trying.client.start", lambda run: None)
    writing_client.begin(run, Prompt("one", CUT))
    assert (folder / STOP_FILE).exists()
    assert _write_waiting(folder, broken) == 1 and not (folder / STOP_FILE).exists()
    assert writing_client.written(run).error == "Unexpected error, see the log: ValueError."


@pytest.mark.parametrize("name", ["stop", "prompt.json"])
def test_a_link_in_the_folder_is_not_followed(runs_dir, tmp_path, name):
    run = result(runs_dir, 0.8)
    try_folder(run).mkdir(parents=True)
    (try_folder(run) / name).symlink_to(tmp_path / "elsewhere")
    for act in (lambda: writing_client.begin(run, Prompt("a", CUT)),
                lambda: writing_client.stop_writing(run)):  # fmt: skip
        with pytest.raises(RunError, match="symbolic link"):
            act()
    assert not (tmp_path / "elsewhere").exists() and writing_client.waiting(run) is None
