"""ARCHITECTURE.md, kept true: imports point down, and `import causalkit` loads almost nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "causalkit"

LAYERS = (
    {"_core", "errors", "typing"},
    {"graph"},
    {"independence", "scores"},
    {"discovery", "identification"},
    {"estimation"},
    {"models", "refutation", "metrics", "plotting", "datasets"},
    {"workflow", "benchmark", "report"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

SOLE_IMPORTERS = {
    "narwhals": "frames.py",
    "joblib": "parallel.py",
    "threadpoolctl": "parallel.py",
    "tqdm": "progress.py",
    "numba": "jit.py",
    "llvmlite": "jit.py",
    "torch": "deep.py",
}

HEAVY = {
    "causallearn", "econml", "joblib", "linearmodels", "matplotlib", "narwhals", "networkx",
    "numba", "pandas", "polars", "pyarrow", "scipy", "sklearn", "statsmodels", "torch", "tqdm",
}  # fmt: skip


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def area(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Imported modules, and whether the import waits inside a function or for a type checker."""

    def visit(node: ast.AST, deferred: bool) -> Iterator[tuple[str, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((alias.name, deferred) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                yield child.module or "", deferred
                if child.module == "causalkit":
                    names = {alias.name for alias in child.names} - {"__version__"}
                    yield from ((f"causalkit.{name}", deferred) for name in sorted(names))
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from visit(child, deferred or inside or typing_only)

    yield from visit(tree, deferred=False)


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down_and_heavy_libraries_enter_by_one_door(path: Path):
    here = area(path)
    for module, deferred in imports(ast.parse(path.read_text())):
        root, *rest = module.split(".")
        if root in SOLE_IMPORTERS:
            assert path.name == SOLE_IMPORTERS[root], f"{root} is imported by {path.name}"
        if root != "causalkit" or not rest or rest[0] == here or here == "__init__":
            continue
        upwards = LEVEL[rest[0]] >= LEVEL[here] and here not in ("_core", "errors", "typing")
        assert deferred or not upwards, f"{here} imports {module}, which is not below it"


def test_every_folder_has_a_layer():
    assert {area(path) for path in python_files()} - {"__init__"} <= set(LEVEL)


def test_the_map_of_the_house_shows_every_room():
    text = (PACKAGE.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    there = text[text.index("What is there") : text.index("A hot kernel lives")]
    named = set(re.findall(r"[\w]+\.py", there))
    files = {path.name for path in python_files()}
    missing = files - named - {"__init__.py", "__main__.py"}
    assert not missing, f"ARCHITECTURE.md does not show {sorted(missing)}"
    outside = {
        path.name
        for folder in ("tests", "tools")
        for path in (PACKAGE.parent / folder).glob("*.py")
    }
    assert not named - files - outside, f"ARCHITECTURE.md shows {sorted(named - files - outside)}"


def test_the_templates_for_what_is_added_are_there():
    rows = (
        (PACKAGE.parent / "ARCHITECTURE.md")
        .read_text(encoding="utf-8")
        .split("## 7.")[1]
        .splitlines()
    )
    named = re.findall(
        r"`([^`<…]+(?:\.py|/))`", "\n".join(row for row in rows if row.startswith("|"))
    )
    assert len(named) > 15
    assert [name for name in named if not (PACKAGE / name).exists()] == []


def test_nothing_prints_and_nothing_asserts_outside_the_command_line():
    for path in python_files():
        text = path.read_text()
        nodes = ast.walk(ast.parse(text)) if "assert" in text else ()
        asserts = [node.lineno for node in nodes if isinstance(node, ast.Assert)]
        assert not asserts, f"{path.name}:{asserts} asserts; raise an error that says what to do"


def test_nobody_but_a_kernel_calls_an_inner_kernel():
    inner = set()
    for path in PACKAGE.rglob("_*_kernels.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
                if "inner_kernel" in marks:
                    inner.add((path.stem, node.name))
    assert inner
    for folder in ("causalkit", "tests", "benchmarks"):
        for path in (PACKAGE.parent / folder).rglob("*.py"):
            text = path.read_text()
            if "_kernels" in text and not path.stem.endswith("_kernels"):
                found = inner & set(_from_kernels(ast.parse(text)))
                assert not found, f"{path.name} calls an inner kernel"


def _from_kernels(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that are taken out of modules of kernels: (module, name)."""
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                modules[alias.asname or alias.name] = alias.name
                yield (node.module or "").rpartition(".")[2], alias.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield modules.get(node.value.id, ""), node.attr


def test_import_causalkit_is_light():
    code = "import sys, causalkit; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not HEAVY & set(loaded)


def test_every_public_name_exists():
    import causalkit

    for name in causalkit.__all__:
        assert getattr(causalkit, name) is not None
    assert set(causalkit.__all__) <= set(dir(causalkit))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = causalkit.nonsense  # type: ignore[attr-defined]
