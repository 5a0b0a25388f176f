"""The constants of the authors' public GLUE script (commit 5ab6421).

It does not reach its target in a short training: its gates start so far open that AdamW needs about
1,550 steps before the first can close. Kept as it is, for comparison.
"""

from finegates.methods.method import TARGET_IS_CLOSED_PROBABILITY, Method

METHOD = Method(
    name="finegates-official",
    summary="The official code's law, penalty and constants; closes nothing in a short training.",
    target_meaning=TARGET_IS_CLOSED_PROBABILITY,
    source="github.com/jsvir/FineGates, commit 5ab6421",
    settings={
        "gate_law": "tanh-gaussian",
        "penalty": "abs",
        "penalty_weight": 50.0,
        "gate_learning_rate": 1e-3,
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
        "lr_schedule": "constant",
        "batch_size": 16,
        "max_length": 512,
        "final_stretch_fraction": 0.0,
        "rounding": False,
    },
)
