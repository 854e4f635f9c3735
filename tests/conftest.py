"""What the tests share: where the outside truth lies."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, so that a change fails by its own fault; `make test-all` draws new
# ones, and what it finds becomes an example of its own.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("drawn", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# What came before takes other arguments, and does not run with numpy's matrices of today.
needs_recent_causal_learn = pytest.mark.skipif(
    tuple(map(int, version("causal-learn").split("."))) < (0, 1, 4, 8),
    reason="compares with causal-learn 0.1.4.8 or newer",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the notebooks, which take minutes on one worker and are never to be waited for."""
    items.sort(key=lambda item: item.path.name != "test_notebooks.py")


@pytest.fixture
def shared() -> Path:
    """Folder of reference data beside the project; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the reference data in ../shared/data, which is not beside the project")
    return SHARED
