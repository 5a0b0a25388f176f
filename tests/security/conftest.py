"""The app's fixtures and pretended runs, and nothing else that acts."""

from tests.app.conftest import components_looked_for_once, registered_pages, runs_dir, visit

__all__ = ["components_looked_for_once", "registered_pages", "runs_dir", "visit"]
