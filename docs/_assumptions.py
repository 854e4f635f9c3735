"""Write the index of assumptions: every public object that claims something causal, and its list.

The lists are read from the docstrings (the paragraph **Assumes:** in their Notes), so the page
cannot say anything else than the code does.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

PACKAGES = ("discovery", "estimation", "identification", "independence", "refutation", "workflow")


def assumptions_of(documented: object) -> list[str]:
    """Items of the list that follows **Assumes:** in a docstring; none if there is no such list."""
    _, found, after = (inspect.getdoc(documented) or "").partition("**Assumes:**")
    if not found:
        return []
    items: list[str] = []
    for line in after.strip().splitlines():
        item = re.match(r"\s*[-*]\s+(.*)", line)
        if item:
            items.append(item[1])
        elif items and line.startswith(" "):
            items[-1] += " " + line.strip()
        elif items:
            break
    return items


def write_page(path: Path) -> None:
    """Write the page as Markdown."""
    lines = ["# Index of assumptions", ""]
    lines += ["What each part of causalkit takes for granted, read from the docstrings.", ""]
    for package in PACKAGES:
        module = importlib.import_module(f"causalkit.{package}")
        found = {name: assumptions_of(getattr(module, name)) for name in sorted(module.__all__)}
        found = {name: items for name, items in found.items() if items}
        if found:
            lines += [f"## {package}", ""]
        for name, items in found.items():
            lines += [f"**{name}**", "", *(f"- {item}" for item in items), ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
