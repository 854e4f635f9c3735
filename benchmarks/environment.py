"""What the figures of a run depend on: versions, the processor, and which peers are there.

Figures of two machines do not compare, and those of two versions of a peer need not, so every run
keeps what :func:`describe` says beside its output, and the page shows it. No name of a host or
folder is in it.
"""

from __future__ import annotations

import ast
import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent

OURS = {"causalkit": "causalkit-toolkit"}
# What everything computes with.
BASE = ("numpy", "scipy", "numba", "scikit-learn", "pandas", "joblib")
# A module that a benchmark imports, and the distribution that brings it.
PEERS = {
    "andrey": "andrey-core",
    "antecedent": "antecedent",
    "castle": "gcastle",
    "causaleffect": "causaleffect",
    "causallearn": "causal-learn",
    "ciflypy": "ciflypy",
    "dagma": "dagma",
    "dcor": "dcor",
    "dml_rs": "dml-rs",
    "doubleml": "DoubleML",
    "dowhy": "dowhy",
    "econml": "econml",
    "flopsearch": "flopsearch",
    "gadjid": "gadjid",
    "gies": "gies",
    "lingam": "lingam",
    "networkx": "networkx",
    "pgmpy": "pgmpy",
    "pyagrum": "pyAgrum",
    "pybnesian": "pybnesian",
    "pydagitty": "pydagitty",
    "sklearn": "scikit-learn",
    "statspai": "StatsPAI",
    "statsmodels": "statsmodels",
    "tetrad_port": "tetrad-port",
    "tigramite": "tigramite",
    "whydra": "whydra",
    "y0": "y0",
}


def describe() -> dict[str, dict[str, str]]:
    """The machine and the versions, as plain text.

    Returns
    -------
    dict
        `machine`: processor, cores, memory, system. `versions`: Python, causalkit and what it
        computes with. `peers`: those that are installed.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
    }
    versions = {"Python": platform.python_version()}
    versions |= {name: installed(distribution) or "" for name, distribution in OURS.items()}
    versions |= {name: found for name in BASE if (found := installed(name))}
    peers = {name: found for name in sorted(set(PEERS.values())) if (found := installed(name))}
    return {"machine": machine, "versions": versions, "peers": peers}


def installed(distribution: str) -> str | None:
    """The version of a distribution; `None` if it is not there."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


@cache
def peers_of(path: Path) -> tuple[str, ...]:
    """The distributions that a benchmark compares with: those that its source names.

    Modules of this folder that it imports are read too, other benchmarks excepted: what is taken
    from them are designs of data.
    """
    found, tree = set(), ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for module in _modules(node):
            root, _, rest = module.partition(".")
            if root == "benchmarks" and rest and not rest.startswith("bench_"):
                found.update(peers_of(HERE / f"{rest}.py"))
            elif root in PEERS:
                found.add(PEERS[root])
    return tuple(sorted(found, key=str.lower))


def _modules(node: ast.AST) -> list[str]:
    """The modules that a node imports, or names as text."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if node.value.partition(".")[0].isidentifier() else []
    return []


def _processor() -> str:
    """The model of the processor, from where the system says it."""
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "not said"
