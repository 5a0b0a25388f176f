"""Writes the bundled sample: ``python scripts/make_sample.py`` from the repository root."""

from finegates.data.sample import SAMPLE_PATH, sample_csv


def main() -> None:
    """Overwrites ``finegates/data/sample_data/acceptability.csv``."""
    SAMPLE_PATH.parent.mkdir(exist_ok=True)
    SAMPLE_PATH.write_bytes(sample_csv().encode())
    print(f"Wrote {SAMPLE_PATH}")


if __name__ == "__main__":
    main()
