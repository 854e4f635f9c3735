"""The page of errors in the docs says exactly what a user gets."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from causalkit import errors
from causalkit.errors import CausalkitError, CausalkitWarning

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "errors.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
SETUP = BLOCKS[0][1]
CASES = [
    (code, message)
    for (kind, code), (other, message) in pairwise(BLOCKS[1:])
    if kind == "python" and other == "text"
]


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("code", "message"), CASES, ids=[words(code)[:60] for code, _ in CASES])
def test_the_message_is_the_one_in_the_docs(code, message):
    scope: dict[str, object] = {}
    exec(SETUP, scope)
    with pytest.raises(CausalkitError) as caught:
        exec(code, scope)
    assert words(f"{type(caught.value).__name__}: {caught.value}") == words(message)


def test_there_are_twenty_of_them():
    assert len(CASES) >= 20


def test_every_kind_of_warning_is_in_the_table():
    kinds = {name for name in errors.__all__ if issubclass(getattr(errors, name), CausalkitWarning)}
    kinds.remove("CausalkitWarning")
    rows = re.findall(r"^\| \{class\}`~causalkit\.errors\.(\w+)`", PAGE.read_text(), flags=re.M)
    assert rows == sorted(kinds)
    assert all(
        f"├── {kind} " in errors.__doc__ or f"└── {kind} " in errors.__doc__ for kind in kinds
    )


def test_no_warning_is_without_a_kind():
    """So that users can filter by it."""
    for path in sorted((ROOT / "causalkit").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("warnings.warn", "warn"):
                given = {ast.unparse(value) for value in call.args[1:]}
                assert "CausalkitWarning" not in given, (path, call.lineno)


def test_each_kind_is_given_at_least_twice():
    code = "".join(path.read_text() for path in (ROOT / "causalkit").rglob("*.py"))
    for kind in ("AssumptionWarning", "ConvergenceWarning", "FewRowsWarning", "ResamplingWarning"):
        assert len(re.findall(rf"^ +{kind},$", code, flags=re.M)) >= 2, kind
