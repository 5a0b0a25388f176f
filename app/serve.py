"""The server: ``streamlit run app/serve.py`` starts the app, from the checkout or installed.

The app itself is ``app/main.py``; started by that name it works too, but sends three times as much.
"""

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app.compressed import CompressedFiles  # noqa: E402  needs the path

app = st.App(ROOT / "app" / "main.py", middleware=[Middleware(CompressedFiles)])
