"""Finished runs of toy language models, trained in seconds."""

import json
from pathlib import Path

from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import Run, create_run
from finegates.spec import make_spec
from tests.toy_models import toy_text

QUICK = {
    "max_length": 16, "batch_size": 8, "epochs": 2, "precision": "fp32", "device": "cpu",
    "encoder_learning_rate": 1e-2, "adapter_learning_rate": 3e-2, "target_sparsity": 0.3,
}  # fmt: skip
TEMPLATE = (
    "{% for m in messages %}<{{ 'bot' if m['role'] == 'assistant' else 'user' }}> "
    "{{ m['content'] }} </s> {% endfor %}{% if add_generation_prompt %}<bot> {% endif %}"
)


def text_run(model: Path, folder: Path, sentences: int = 1, **changes) -> Run:
    """A run on texts, in a runs folder in this one.

    Args:
        model: Of a toy.
        folder: Where its runs and its texts are.
        sentences: Of each text: a model of long ones goes on and on.
        changes: Of the settings.
    """
    book, said = folder / "book.txt", toy_text(60 * sentences)
    texts = (" ".join(said[i : i + sentences]) for i in range(0, len(said), sentences))
    book.write_text("\n\n".join(texts))
    return _trained(folder, {"model": str(model), "data": str(book), "task": "text", **changes})


def instructions_run(model: Path, folder: Path, **changes) -> Run:
    """A run on prompts with answers."""
    pairs = folder / "pairs.jsonl"
    rows = ({"prompt": f"anna makes {'then ' * (i % 3)}", "answer": "tea ."} for i in range(24))
    pairs.write_text("\n".join(map(json.dumps, rows)))
    settings = {"model": str(model), "data": str(pairs), "task": "instructions", **changes}
    return _trained(folder, settings)


def _trained(folder: Path, settings: dict) -> Run:
    runs_dir = folder / "runs"
    spec, data = check_inputs(make_spec({**QUICK, **settings}), runs_dir=runs_dir)
    run = create_run(spec, data, runs_dir)
    assert execute(run, "cpu").state == "finished", run.log_tail()
    return run
