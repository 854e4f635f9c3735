"""What the tests share: where the outside truth lies."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def shared() -> Path:
    """Folder of reference data beside the project; the test skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the reference data in ../shared/data, which is not beside the project")
    return SHARED
