"""Sessions of a toy model that train without a run folder, on any device."""

from functools import cache
from pathlib import Path
from typing import Any

from finegates.data.splits import TextSplits, load_splits
from finegates.spec import RunSpec, make_spec
from finegates.training.batches import training_batches
from finegates.training.session import Session, open_session

ROWS = 96


def open_on(device: str, model: Path, **settings: Any) -> Session:
    """A session of a toy model on the sample, in float32 and without dropout."""
    chosen = {"precision": "fp32", "dropout": 0.0, "batch_size": 16, **settings}
    spec = make_spec({"model": str(model), "max_train_samples": ROWS, **chosen})
    return open_session(spec, _splits(), device)


@cache
def _splits() -> TextSplits:
    return load_splits(RunSpec(max_train_samples=ROWS))


def first_batch(session: Session) -> dict[str, Any]:
    """A batch of training rows on the session's device."""
    spec = session.spec
    loader = training_batches(
        session.train_rows, session.tokenizer, spec.batch_size, spec.seed, epoch=0
    )
    return next(iter(session.accelerator.prepare_data_loader(loader)))
