"""What the tests share: where the outside truth lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, so that a change fails by its own fault; `make test-all` draws new
# ones, and what it finds becomes an example of its own.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("drawn", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """Folder of reference data beside the project; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the reference data in ../shared/data, which is not beside the project")
    return SHARED
