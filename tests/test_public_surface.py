"""One language: what the public names promise, held to every name in every `__all__`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

import causalkit

PACKAGES = tuple(
    module.name
    for module in pkgutil.iter_modules(causalkit.__path__)
    if module.ispkg and not module.name.startswith("_") and module.name != "cli"
)
DOCS = Path(__file__).resolve().parents[1] / "docs"

# What runs inside an estimator or a leaderboard, which seeds it; see ARCHITECTURE, Randomness.
SEEDED_BY_OTHERS = re.compile(r"estimation\..*|benchmark\.(GuessedGraph|RandomLinks)")


def public() -> Iterator[tuple[str, str, Any]]:
    """Package, name and object of all that is exported."""
    for package in PACKAGES:
        module = importlib.import_module(f"causalkit.{package}")
        yield from ((package, name, getattr(module, name)) for name in module.__all__)


CALLABLES = [(f"{package}.{name}", found) for package, name, found in public() if callable(found)]


def parameters(found: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return []


def documented(found: Any) -> set[str]:
    """Names in the sections Parameters and Attributes of a docstring."""
    parts = re.split(r"\n(\w[\w ]+)\n-+\n", inspect.getdoc(found) or "")
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    lines = "\n".join(sections.get(name, "") for name in ("Parameters", "Attributes")).splitlines()
    entries = (re.match(r"(\*{0,2}\w[\w, *]*?)\s*(:|$)", line) for line in lines)
    return {name.strip().lstrip("*") for entry in entries if entry for name in entry[1].split(",")}


@pytest.mark.parametrize(("name", "found"), CALLABLES, ids=[name for name, _ in CALLABLES])
def test_each_name_says_what_it_is_and_what_it_takes(name: str, found: Any):
    doc = inspect.getdoc(found)
    assert doc, f"{name} has no docstring"
    assert doc.splitlines()[0].endswith("."), f"{name}: the first line is no sentence"
    asked = {one.name for one in parameters(found)} - {"args", "kwargs"}
    if not inspect.isclass(found) or not issubclass(found, (int, Enum, Exception)):
        missing = {one for one in asked if not one.startswith("_")} - documented(found)
        assert not missing, f"{name} does not document {sorted(missing)}"


def test_a_name_means_one_thing():
    meanings = defaultdict(set)
    for _, name, found in public():
        meanings[name].add(id(found))
    several = {name for name, objects in meanings.items() if len(objects) > 1}
    assert several == {"Bootstrap"}  # of graphs, and of standard errors


def test_names_are_spelt_as_in_numpy_and_scikit_learn():
    british = re.compile(r"(?<![a-z])\w*(standardis|randomis|normalis|colour|neighbour|centre)")
    words = {
        word
        for _, name, found in public()
        for word in (name, *(one.name for one in parameters(found)))
        if british.match(word)
    }
    assert words <= {"centres"}  # a field of results


def test_a_call_that_is_repeated_gives_the_same_numbers():
    for name, found in CALLABLES:
        for one in parameters(found):
            if one.name == "random_state" and not SEEDED_BY_OTHERS.fullmatch(name):
                assert one.default == 0, f"{name}: random_state={one.default!r}"
            if one.name == "rng" and one.default is not one.empty:
                assert one.default is None, f"{name}: rng={one.default!r}"


def test_the_reference_has_a_page_for_each_package():
    pages = re.search(r"PACKAGES = \((.*?)\)", (DOCS / "_pages.py").read_text(), re.DOTALL)
    written = set(re.findall(r'"([\w.]+)"', pages[1])) if pages else set()
    listed = set(
        re.findall(r"generated/([\w.]+)$", (DOCS / "reference/index.md").read_text(), re.M)
    )
    assert set(PACKAGES) <= written
    assert {"causalkit", *written} == listed


def test_the_settings_that_all_share_come_last_and_in_one_order():
    order = ("panel", "time", "mask", "random_state", "n_jobs", "max_seconds", "device")
    for name, found in CALLABLES:
        keywords = [one.name for one in parameters(found) if one.kind is one.KEYWORD_ONLY]
        shared = [one for one in keywords if one in order]
        assert shared == sorted(shared, key=order.index), name
