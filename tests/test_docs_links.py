"""Links, anchors, names and terms that the pages of docs/ refer to are there.

Sphinx finds broken links too, but takes minutes and passes over names that it does not know.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not {"_build", "generated"} & set(page.parts))
WRITTEN_BY_A_PROGRAM = {"benchmarks", "reference/generated/assumptions"}


def prose(page: Path) -> str:
    """Text of a page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchor_of(heading: str) -> str:
    """What a heading is called in a link."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Anchors of the two levels of headings that have one."""
    return {anchor_of(found) for found in re.findall(r"^#{1,2} (.*)$", prose(page), re.MULTILINE)}


def target(page: Path, link: str) -> Path | None:
    """Return the file that a link leads to; None if there is none."""
    place = (page.parent / link).resolve() if link else page
    name = place.relative_to(DOCS).as_posix() if place.is_relative_to(DOCS) else ""
    if name.removesuffix(".md") in WRITTEN_BY_A_PROGRAM:
        return place
    at = [place, Path(f"{place}.md"), ROOT / f"{name}.ipynb"]
    return next((found for found in at if found.is_file()), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        if link.startswith("http"):
            continue
        found = target(page, path)
        here = found is not None and (not anchor or anchor in anchors(found))
        broken += [] if here else [link]
    assert not broken


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(re.findall(r"^[\w/]+$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE))
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    assert pages - {"index"} <= listed


def test_names_that_are_linked_are_public() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        packages = importlib.import_module("_pages").PACKAGES
    finally:
        sys.path.remove(str(DOCS))
    public = {
        f"causalkit.{package}.{name}"
        for package in packages
        for name in importlib.import_module(f"causalkit.{package}").__all__
    }
    linked = {
        name
        for page in PAGES
        for name in re.findall(r"\{(?:func|class)\}`~?([\w.]+)`", prose(page))
    }
    assert linked <= public


def test_terms_that_are_linked_are_in_the_glossary() -> None:
    glossary = (DOCS / "glossary.md").read_text("utf-8").partition(":::{glossary}")[2]
    terms = set(re.findall(r"^(\S.*)$", glossary, re.MULTILINE))
    linked = {
        name
        for page in PAGES
        for name in re.findall(r"\{term\}`(?:[^`<]* <)?([^`>]+)>?`", prose(page))
    }
    assert linked
    assert linked <= terms
