"""The bundled sample: is an English sentence well formed? `scripts.make_sample` has made it."""

from pathlib import Path

import pandas as pd

SAMPLE_PATH = Path(__file__).parent / "sample_data" / "acceptability.csv"
LABELS = ("unacceptable", "acceptable")
"""In id order: 1 is acceptable, as in CoLA."""


def load_sample() -> pd.DataFrame:
    """The bundled file: text, label, fault, split."""
    return pd.read_csv(SAMPLE_PATH, dtype=str, keep_default_na=False)
