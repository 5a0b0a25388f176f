"""The app's fixtures and pretended runs, and nothing else that acts."""

import importlib.util
import sys
from pathlib import Path

APP_TESTS = Path(__file__).resolve().parents[1] / "app"
sys.path.append(str(APP_TESTS))  # pretended runs

_spec = importlib.util.spec_from_file_location("app_conftest", APP_TESTS / "conftest.py")
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

components_looked_for_once = _module.components_looked_for_once
runs_dir, visit = _module.runs_dir, _module.visit
