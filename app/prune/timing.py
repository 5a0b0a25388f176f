"""What is timed of a cut: the fields of "Time it", and the words of the command that times it.

Of most runs it is a pass over whole rows; of a language model, reading a prompt and writing.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from finegates.runs.folder import Run
from finegates.runs.measurements import AtCut

DTYPES = ("float32", "bfloat16", "float16")
ROWS, TOKENS, DTYPE, INT8 = "batch_size", "seq_len", "dtype", "int8"
PROMPTS, PROMPT, NEW = "prompts", "prompt_tokens", "new_tokens"
MOST_PROMPT, MOST_NEW = 512, 64
"""As the command line has it where nothing is said."""


def newest_timing(run: Run, known: AtCut) -> Mapping[str, Any] | None:
    """The newest of its kind."""
    return known.generation if run.spec.is_language else known.timing


def draw_timing_fields(run: Run) -> None:
    """What is to be timed."""
    writes = run.spec.is_language
    forms = "Dense and smaller" if writes else "Dense, with masks and smaller"
    st.caption(f"{forms}, alternating in one process. Best while nothing else runs on this "
               "machine.")  # fmt: skip
    if writes:
        _draw_writing_fields(run)
        return
    st.number_input("Rows of a batch", 1, 1024, 8, key=ROWS)
    st.number_input("Tokens of a row", 2, 512, 128, key=TOKENS)
    dtype = st.selectbox("Precision", DTYPES, key=DTYPE)
    st.toggle("int8 too", key=INT8, disabled=dtype != DTYPES[0],
              help="By ONNX Runtime, dense and smaller, in float32 and in dynamic int8: time, size "
              "of the file, score. Takes a few minutes; in float32 only.")  # fmt: skip


def _draw_writing_fields(run: Run) -> None:
    """Together the tokens fit where those of training did."""
    new = max(1, min(MOST_NEW, run.spec.max_length // 2))
    prompt = max(1, min(MOST_PROMPT, run.spec.max_length - new))
    st.number_input("Prompts at a time", 1, 1024, 1, key=PROMPTS)
    st.number_input("Tokens of a prompt", 1, 1_000_000, prompt, key=PROMPT,
                    help="Read at once, then new ones are written one by one.")  # fmt: skip
    st.number_input("New tokens", 1, 10_000, new, key=NEW)
    st.selectbox("Precision", DTYPES, key=DTYPE)


def asked_flags(run: Run) -> list[str]:
    """What the fields ask for, as words of ``bench``."""
    if run.spec.is_language:
        return _flags(*(st.session_state[key] for key in (PROMPTS, DTYPE)),
                      prefill=st.session_state[PROMPT], decode=st.session_state[NEW])  # fmt: skip
    rows, tokens, dtype, int8 = (st.session_state[key] for key in (ROWS, TOKENS, DTYPE, INT8))
    flags = _flags(rows, dtype, seq_len=tokens)
    return [*flags, "--int8"] if int8 and dtype == DTYPES[0] else flags


def same_flags(timing: Mapping[str, Any]) -> list[str]:
    """What times the same once more."""
    rows, dtype = timing["batch_size"], timing["dtype"]
    if "decode_speedup" in timing:
        return _flags(rows, dtype, prefill=timing["prompt"], decode=timing["new_tokens"])
    flags = _flags(rows, dtype, seq_len=timing["seq_len"])
    return [*flags, "--int8"] if "int8_speedup" in timing else flags


def _flags(rows: int, dtype: str, **lengths: int) -> list[str]:
    long = [f"--{name.replace('_', '-')}={value}" for name, value in lengths.items()]
    return [f"--batch-size={rows}", *long, f"--dtype={dtype}"]
