"""What one would do without gates: LoRA, then the smallest rows and columns are closed."""

from finegates.methods.method import MAGNITUDE, TARGET_IS_REMOVED_WEIGHTS, Method

METHOD = Method(
    name="magnitude",
    summary="LoRA, then the rows and columns of smallest norm are closed; then recovery.",
    target_meaning=TARGET_IS_REMOVED_WEIGHTS,
    source="the usual practice; ranks as in LoRA",
    settings={
        "lora_rank": 8,
        "train_biases": False,
    },
    gates=MAGNITUDE,
)
