"""The demo's figures are those of the references."""

from __future__ import annotations

import pytest

from causalkit.cli import demo


def test_the_answers_agree_with_the_references():
    rows = {name: (effect, error) for name, _, effect, error, _ in demo._beside_references().rows}
    assert rows["OLS, squares"] == pytest.approx((9.705, 1.37), abs=0.005)
    assert rows["OLS, squares"][0] == pytest.approx(9.705, abs=1e-3)
    assert rows["AIPW, boosting"][0] == pytest.approx(8.0, abs=1.3)
    assert rows["PLR, boosting"][0] == pytest.approx(8.9, abs=1.3)
