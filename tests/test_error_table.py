"""The page of errors in the docs says exactly what a user gets."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from causalkit.errors import CausalkitError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "errors.md"
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
