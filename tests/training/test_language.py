"""Claims about language models: what their rows are, what a token weighs, and that they learn."""

import json
import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from finegates.cli import build_parser
from finegates.commands.options import given_settings
from finegates.data.splits import load_splits
from finegates.errors import DataError, ModelError, SpecError
from finegates.jobs.control import submit
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.measuring.paired import paired_drop
from finegates.nn.pretrained import load_pretrained
from finegates.runs.folder import create_run, current_rows
from finegates.runs.predictions import read_predictions
from finegates.runs.provenance import command_of
from finegates.spec import make_spec
from finegates.training.batches import evaluation_batches, rows_of, training_batches
from finegates.training.loop import train_step
from finegates.training.metrics import compute_metrics
from finegates.training.restore import restore_model
from finegates.training.scoring import Judge
from finegates.training.session import open_session, scored_batch_size
from finegates.training.token_loss import BaseTeacher, token_divergence
from finegates.training.token_rows import IGNORED, TokenPadding, blocks, num_labels, token_sums
from tests.toy_models import save_toy_language_model, toy_text
from tests.training.stopping import stopped_and_resumed

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = {
    "task": "text", "max_length": 16, "batch_size": 8, "epochs": 6, "precision": "fp32",
    "encoder_learning_rate": 1e-2, "adapter_learning_rate": 3e-2,
}  # fmt: skip
TEMPLATE = (
    "{% for m in messages %}<{{ 'bot' if m['role'] == 'assistant' else 'user' }}> "
    "{{ m['content'] }} </s> {% endfor %}{% if add_generation_prompt %}<bot> {% endif %}"
)


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    return save_toy_language_model(tmp_path_factory.mktemp("language"), template=TEMPLATE)


@pytest.fixture(scope="module")
def plain_dir(tmp_path_factory):
    return save_toy_language_model(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "book.txt"
    path.write_text("\n\n".join(toy_text()))
    return path


@pytest.fixture
def spec_of(model_dir, book):
    return lambda **changes: make_spec(
        {"model": str(model_dir), "data": str(book), **QUICK, **changes}
    )


@pytest.fixture
def make_run(spec_of, tmp_path):
    """Makes a queued run of a toy on the toy text, as submitting it does."""

    def make(**changes):
        spec, data = check_inputs(spec_of(**changes), runs_dir=tmp_path / "runs")
        return create_run(spec, data, tmp_path / "runs")

    return make


def chats(folder, number=12, **more):
    path = folder / "chats.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": "then makes tea"},
                      {"role": "assistant", "content": "anna makes"},
                      {"role": "user", "content": "then"},
                      {"role": "assistant", "content": f"bert eats {['tea', 'soup'][i % 2]}"}]}
        for i in range(number)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def instructions(folder, number=12, prompt="anna makes", answer="tea ."):
    path = folder / "pairs.jsonl"
    rows = ({"prompt": f"{prompt} {'then ' * (i % 3)}", "answer": answer} for i in range(number))
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def learned(tokenizer, row):
    """What a row's loss is taken of, as text."""
    return tokenizer.decode(row["labels"][row["labels"] != IGNORED])


def test_texts_are_joined_by_the_end_of_text_and_cut_into_full_blocks(model_dir):
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    rows = blocks(tokenizer, ["anna makes tea", "bert eats", "carl likes soup ."], 5, "training")
    assert {len(row["input_ids"]) for row in rows} == {5} and len(rows) == 2  # of 12 tokens
    joined = " ".join(tokenizer.decode(row["input_ids"]) for row in rows)
    assert joined == "anna makes tea </s> bert eats </s> carl likes soup"
    assert all(row["labels"] is row["input_ids"] for row in rows)
    batch = TokenPadding(tokenizer)(rows)
    assert batch.keys() == {"input_ids", "labels"} and num_labels(rows[0]) == 4


def test_blocks_begin_by_the_token_that_a_tokenizer_puts_before_each_text(model_dir):
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    tokenizer.backend_tokenizer.post_processor = _starting(tokenizer)
    rows = blocks(tokenizer, ["anna makes tea", "bert eats"], 4, "training")
    assert [tokenizer.decode(row["input_ids"]) for row in rows] == [
        "<s> anna makes tea", "<s> </s> bert eats",
    ]  # fmt: skip


def _starting(tokenizer):
    from tokenizers.processors import TemplateProcessing

    return TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.convert_tokens_to_ids("<s>"))]
    )


def test_prompts_have_no_loss(plain_dir, model_dir, tmp_path):
    spec = make_spec({"task": "instructions", "data": str(instructions(tmp_path))})
    splits = load_splits(spec)
    plain, chatty = (AutoTokenizer.from_pretrained(folder) for folder in (plain_dir, model_dir))
    row = rows_of(plain, splits, 128)[0][0]
    assert learned(plain, row) == "tea . </s>"
    assert plain.decode(row["input_ids"]).startswith("anna makes")
    row = rows_of(chatty, splits, 128)[0][0]
    assert learned(chatty, row) == "tea . </s>"
    assert chatty.decode(row["input_ids"]).startswith("<user> anna makes")


def test_all_answers_of_a_chat_are_learned_and_nothing_else(model_dir, tmp_path):
    splits = load_splits(make_spec({"task": "instructions", "data": str(chats(tmp_path))}))
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    (row, *_), _ = rows_of(tokenizer, splits, 128)
    said = learned(tokenizer, row)
    assert said.startswith("anna makes </s> bert eats") and said.endswith("</s>")
    whole = tokenizer.decode(row["input_ids"])
    assert whole.startswith(
        "<user> then makes tea </s> <bot> anna makes </s> <user> then </s> <bot>"
    )


def test_a_batch_is_padded_at_the_right_and_its_padding_is_not_learned(model_dir, tmp_path):
    splits = load_splits(make_spec({"task": "instructions", "data": str(instructions(tmp_path))}))
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    rows = rows_of(tokenizer, splits, 128)[0]
    for batch in (
        next(iter(training_batches(rows, tokenizer, len(rows), 0, 0))),
        next(iter(evaluation_batches(rows, tokenizer, len(rows)))),
    ):
        mask = batch["attention_mask"]
        assert mask.dtype == torch.bool and mask[:, 0].all() and not mask[:, -1].all()
        assert (batch["labels"][~mask] == IGNORED).all()


def test_sums_of_tokens_by_hand():
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [1.0, 1.0, 1.0]]]))
    sums = token_sums(logits, torch.tensor([[2, 0, 1]]))
    assert sums[0].tolist() == pytest.approx([-math.log(0.5) - math.log(0.8), 2.0])
    one = token_sums(logits, torch.tensor([[2, IGNORED, 0]]))
    assert one[0].tolist() == pytest.approx([-math.log(0.1), 0.0])


def test_a_score_is_that_of_all_tokens_whatever_batch_they_are_in(spec_of, model_dir, tmp_path):
    spec = spec_of(task="instructions", data=str(instructions(tmp_path, 30)), batch_size=2)
    splits = load_splits(spec)
    model, tokenizer = load_pretrained(spec.model, (), "causal-lm")
    judge = Judge(spec, splits, tokenizer, model, "cpu")
    scores = judge.scores(model.eval())
    rows = rows_of(tokenizer, splits, spec.max_length)[1]
    loss = tokens = 0.0
    for row in rows:  # one by one, as transformers has it
        ids, labels = (torch.from_numpy(row[name])[None] for name in ("input_ids", "labels"))
        loss += model(input_ids=ids, labels=labels).loss.item() * num_labels(row)
        tokens += num_labels(row)
    assert scores["perplexity"] == pytest.approx(math.exp(loss / tokens), rel=1e-4)
    assert 0 <= scores["token_accuracy"] <= 1
    answers = judge.answers(model, range(len(judge.labels)))
    assert judge.labels.sum() == tokens
    found = compute_metrics(("perplexity",), answers, judge.labels)
    assert found["perplexity"] == pytest.approx(scores["perplexity"])


def test_batches_of_large_vocabularies_are_small(spec_of, model_dir):
    spec = spec_of(max_length=32)
    splits = load_splits(spec)
    config = AutoModelForCausalLM.from_pretrained(model_dir).config
    assert scored_batch_size(spec, splits, config) == 32
    config.vocab_size = 2_000_000
    assert scored_batch_size(spec, splits, config) == 2


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_toy_learns_and_its_perplexity_falls(make_run, method):
    run = make_run(method=method)
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    assert status.metric == "perplexity@16" and set(status.metrics) == {
        "perplexity@16", "token_accuracy@16",
    }  # fmt: skip
    assert status.majority_score > 20 and 1 < status.score < 0.5 * status.majority_score
    assert status.dense_params == status.total_params or method == "lora"
    kept = read_predictions(run.path)
    for answers, score in ((kept.answers, status.score), (kept.reference, status.majority_score)):
        found = compute_metrics(("perplexity",), answers, kept.labels)["perplexity"]
        assert found == pytest.approx(score, rel=1e-5)
    model, tokenizer = restore_model(run)
    judge = Judge(run.spec, load_splits(run.spec), tokenizer, model, "cpu")
    assert judge.scores(model)[judge.metric] == pytest.approx(status.score, rel=1e-4)


def evaluations(run):
    rows = current_rows(run.metrics_reader().read_new())
    return [row["score"] for row in rows if row["kind"] == "eval"]


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_run_that_was_stopped_goes_on_to_the_same_numbers(make_run, method):
    whole = make_run(method=method, eval_steps=4)
    first = execute(whole, "cpu").majority_score
    run = make_run(method=method, eval_steps=4)
    status = stopped_and_resumed(run, 10)
    assert status.state == "finished" and status.majority_score == first
    assert evaluations(run) == evaluations(whole)


def test_a_step_weighs_every_token_alike(spec_of, tmp_path):
    data = tmp_path / "pairs.jsonl"
    lengths = [1, 7, 2, 5] * 3
    rows = [{"prompt": "anna makes", "answer": "tea " * n} for n in lengths]
    data.write_text("\n".join(map(json.dumps, rows)))
    spec = spec_of(task="instructions", data=str(data), batch_size=8, method="full")
    session = open_session(spec, load_splits(spec), "cpu")
    batch = next(iter(training_batches(session.train_rows, session.tokenizer, 8, 0, 0)))
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    sums = token_sums(session.model.eval()(**inputs).logits, batch["labels"])[:, 0].sum()
    tokens = (batch["labels"][:, 1:] != IGNORED).sum()
    losses = train_step(session, batch, 1)
    assert float(losses["task_loss"]) == pytest.approx(float(sums / tokens), rel=1e-5)


def test_the_base_is_a_teacher_in_the_model_itself(spec_of):
    spec = spec_of(method="lora", teacher="base", distillation_weight=1.0)
    session = open_session(spec, load_splits(spec), "cpu")
    batch = next(iter(training_batches(session.train_rows, session.tokenizer, 8, 0, 0)))
    before = session.language_teacher.logits(batch)
    pretrained = load_pretrained(spec.model, (), "causal-lm")[0].eval()
    expected = pretrained(input_ids=batch["input_ids"]).logits
    torch.testing.assert_close(before, expected)
    assert float(train_step(session, batch, 1)["loss"]) == pytest.approx(0, abs=1e-5)
    with torch.no_grad():
        for parameter in session.adapted.adapter_parameters:
            parameter.add_(0.3)
    now = session.model.eval()(input_ids=batch["input_ids"]).logits
    assert not torch.allclose(now, expected, atol=1e-2)
    torch.testing.assert_close(session.language_teacher.logits(batch), expected)
    torch.testing.assert_close(session.model(input_ids=batch["input_ids"]).logits, now)
    assert float(train_step(session, batch, 2)["loss"]) > 1e-3


def test_gates_are_open_for_the_teacher_alone(spec_of):
    spec = spec_of(method="finegates+lora", teacher="base", target_sparsity=0.3)
    session = open_session(spec, load_splits(spec), "cpu")
    batch = next(iter(training_batches(session.train_rows, session.tokenizer, 8, 0, 0)))
    expected = (
        load_pretrained(spec.model, (), "causal-lm")[0].eval()(input_ids=batch["input_ids"]).logits
    )
    session.gates.close_exactly(np.arange(session.gates.layout.num_gates) % 2 == 0)
    torch.testing.assert_close(session.language_teacher.logits(batch), expected)
    assert session.gates.probe is None
    closed = session.model.eval()(input_ids=batch["input_ids"]).logits
    assert not torch.allclose(closed, expected, atol=1e-2)


def test_divergence_by_hand():
    student, teacher = (
        torch.log(torch.tensor([[p, [1.0, 1.0]]])) for p in ([0.5, 0.5], [0.8, 0.2])
    )
    expected = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    labels = torch.tensor([[0, 1]])
    assert float(token_divergence(student, teacher, labels, 1.0)) == pytest.approx(expected)
    nothing = token_divergence(student, teacher, torch.tensor([[0, IGNORED]]), 1.0)
    assert float(nothing) == 0


def test_a_gated_toy_keeps_its_budget_and_stays_near_the_base(make_run):
    run = make_run(method="finegates+lora", target_sparsity=0.3, teacher="base")
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    assert status.removed_weights_fraction == pytest.approx(0.3, abs=0.05)
    assert status.score < status.majority_score


@pytest.mark.parametrize("method", ["lora", "finegates+lora"])
def test_layers_that_are_computed_again_give_the_same_step(spec_of, method):
    found = []
    for again in (False, True):
        spec = spec_of(method=method, gradient_checkpointing=again)
        session = open_session(spec, load_splits(spec), "cpu")
        batch = next(iter(training_batches(session.train_rows, session.tokenizer, 8, 0, 0)))
        losses = [train_step(session, batch, step)["loss"] for step in (1, 2)]
        trained = [p.detach().clone() for p in session.model.parameters() if p.requires_grad]
        found.append([*losses, *trained])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_weights_in_bfloat16_are_kept_so_and_trained_next_to(spec_of):
    spec = spec_of(method="finegates+lora", base_dtype="bfloat16", precision="auto")
    session = open_session(spec, load_splits(spec), "cpu")
    gates = session.gates.parameter
    weights = [p for p in session.model.parameters() if p is not gates]
    assert {p.dtype for p in weights if not p.requires_grad} == {torch.bfloat16}
    assert {p.dtype for p in (gates, *weights) if p is gates or p.requires_grad} == {torch.float32}
    batch = next(iter(training_batches(session.train_rows, session.tokenizer, 8, 0, 0)))
    losses = [float(train_step(session, batch, step)["task_loss"]) for step in range(1, 31)]
    assert losses[-1] < losses[0] - 0.3


def test_a_run_in_bfloat16_ends_and_is_restored(make_run):
    run = make_run(method="lora", base_dtype="bfloat16", precision="auto", epochs=1)
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    model, _ = restore_model(run)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


WRONG_SETTINGS = [
    ({"base_dtype": "bfloat16", "method": "full"}, "trains these weights"),
    ({"base_dtype": "bfloat16", "precision": "fp32"}, "leave precision out"),
    ({"teacher": "run-1"}, "name 'base', or 'start'"),
    ({"teacher": "base", "hidden_distillation_weight": 1.0}, "leave it out"),
]


@pytest.mark.parametrize(("given", "said"), WRONG_SETTINGS)
def test_settings_that_contradict_each_other_are_refused(spec_of, given, said):
    with pytest.raises(SpecError, match=said):
        spec_of(**given)


def test_the_base_teaches_no_classifier():
    with pytest.raises(SpecError, match="predicts tokens"):
        make_spec({"teacher": "base"})


def test_bad_input_is_refused_before_a_run_is_made(spec_of, tmp_path, plain_dir, toy_model_dir):
    short = tmp_path / "short.txt"
    short.write_text("\n\n".join(["anna makes tea"] * 4))
    cases = [
        (spec_of(data=str(short), max_length=40), DataError, "for training have 8 tokens"),
        (spec_of(max_length=64), SpecError, "reads 40 tokens at once"),
        (spec_of(model=str(toy_model_dir)), ModelError, "predicts no next token"),
        (spec_of(task="instructions", data=str(chats(tmp_path)), model=str(plain_dir)),
         ModelError, "has no chat template"),
    ]  # fmt: skip
    for spec, kind, said in cases:
        with pytest.raises(kind, match=said):
            submit(spec, tmp_path / "runs")
    assert not any((tmp_path / "runs").glob("*/spec.json"))


def test_answers_that_are_all_cut_off_are_refused(spec_of, tmp_path):
    data = instructions(tmp_path, prompt="anna " * 30)
    spec = spec_of(task="instructions", data=str(data), max_length=16)
    with pytest.raises(DataError, match="No answer for training begins within 16 tokens"):
        open_session(spec, load_splits(spec), "cpu")


def test_a_template_that_refuses_a_chat_says_which(model_dir, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    splits = load_splits(make_spec({"task": "instructions", "data": str(chats(tmp_path))}))
    with pytest.raises(DataError, match="refuses row 1: roles must alternate"):
        rows_of(tokenizer, splits, 64)


def test_a_run_starts_from_a_finished_one(make_run):
    first = make_run(method="full", epochs=4)
    score = execute(first, "cpu").score
    run = make_run(method="lora", start_from=first.id, epochs=1)
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    assert status.reference_score == pytest.approx(score, rel=1e-4) == status.majority_score


def test_the_teacher_costs_no_second_model(spec_of):
    session = open_session(spec_of(method="lora", teacher="base"), load_splits(spec_of()), "cpu")
    assert isinstance(session.language_teacher, BaseTeacher)
    kept = sum(value.numel() for _, value in session.language_teacher._began)
    assert kept == sum(p.numel() for p in session.model.parameters() if p.requires_grad)


def test_the_command_of_a_run_gives_its_spec_again(spec_of):
    spec = spec_of(method="lora", teacher="base")
    words = command_of(spec)[3:]  # after python -m finegates
    assert make_spec(given_settings(build_parser().parse_args(words))) == spec


def test_a_model_is_made_smaller_from_itself_and_compared_text_by_text(make_run, model_dir):
    run = make_run(
        method="finegates+full", start_from=str(model_dir), teacher="start", target_sparsity=0.3,
        learning_rate=3e-4,
    )  # fmt: skip
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    kept = read_predictions(run.path)
    drop = paired_drop(status.metric, kept.labels, [kept.reference], [kept.answers])
    assert drop.reference == pytest.approx(status.reference_score, rel=1e-5)
    assert drop.score == pytest.approx(status.score, rel=1e-5) and drop.high < 0
