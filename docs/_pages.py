"""Pages that follow from the code: the reference, and the index of assumptions.

The reference lists what each package exports. The index lists every public object that claims
something causal with its assumptions, read from the paragraph **Assumes:** in its docstring, so the
page cannot say anything else than the code does.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

PACKAGES = (
    "graph",
    "independence",
    "scores",
    "discovery",
    "metrics",
    "identification",
    "estimation",
    "refutation",
    "models",
    "models.mechanisms",
    "workflow",
    "benchmark",
    "report",
    "plotting",
    "datasets",
    "errors",
)

_TEXT_ALONE = ("   :no-members:", "   :no-inherited-members:")


def assumptions_of(documented: object) -> list[str]:
    """Items of the list, or the sentence, after **Assumes:** in a docstring; none without it."""
    _, found, after = (inspect.getdoc(documented) or "").partition("**Assumes:**")
    if not found:
        return []
    if not after.startswith("\n"):
        return [" ".join(after.partition("\n\n")[0].split())]
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


def write_assumptions(path: Path) -> None:
    """Write the index of assumptions."""
    lines = ["# Index of assumptions", ""]
    lines += ["What each part of causalkit takes for granted, read from the docstrings.", ""]
    for package in PACKAGES:
        module = importlib.import_module(f"causalkit.{package}")
        names = sorted(name for name in module.__all__ if callable(getattr(module, name)))
        found = {name: assumptions_of(getattr(module, name)) for name in names}
        found = {name: items for name, items in found.items() if items}
        if found:
            lines += [f"## {package}", ""]
        for name, items in found.items():
            lines += [f"**{name}**", "", *(f"- {linked(item, package)}" for item in items), ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")


def linked(text: str, package: str) -> str:
    """Links of a docstring as Markdown writes them; a bare name is one of the package."""

    def link(found: re.Match[str]) -> str:
        target = found[2] if "." in found[2] else f"causalkit.{package}.{found[2]}"
        return f"{{{found[1]}}}`~{target}`"

    return re.sub(r":(class|func|mod):`~?([\w.]+)`", link, text)


def write_top_level(path: Path) -> None:
    """Write the page of the top level: links, and stubs of what lives nowhere else."""
    top = importlib.import_module("causalkit")
    names = [name for name in top.__all__ if callable(getattr(top, name))]
    homes = {
        name: package
        for package in PACKAGES
        for name in importlib.import_module(f"causalkit.{package}").__all__
    }
    page = ["causalkit", "=========", "", ".. automodule:: causalkit", *_TEXT_ALONE, ""]
    page += ["These names are there at once; each is the one of the package that is linked.", ""]
    page += [f"- :obj:`~causalkit.{homes[name]}.{name}`" for name in names if name in homes]
    page += ["", ".. currentmodule:: causalkit", "", ".. autosummary::", "   :toctree: .", ""]
    page += [f"   {name}" for name in names if name not in homes]
    path.write_text("\n".join(page) + "\n", encoding="utf-8")


def write_reference(folder: Path) -> None:
    """Write one page a package, each with a stub a public name, and one of the top level."""
    folder.mkdir(parents=True, exist_ok=True)
    write_top_level(folder / "causalkit.rst")
    for package in PACKAGES:
        module = importlib.import_module(f"causalkit.{package}")
        title = f"causalkit.{package}"
        names = [name for name in module.__all__ if callable(getattr(module, name))]
        page = [title, "=" * len(title), "", f".. automodule:: {title}", *_TEXT_ALONE, ""]
        page += [f".. currentmodule:: {title}", "", ".. autosummary::", "   :toctree: .", ""]
        page += [f"   {name}" for name in names]
        (folder / f"{package}.rst").write_text("\n".join(page) + "\n", encoding="utf-8")
