"""`docs/benchmarks.md`, from the results that are kept: nothing on it is written by hand.

A section for each group of :mod:`benchmarks.plan`, and in it a part for each benchmark: the
question (the first line of its docstring), the command, how long it took, which peers were there,
its tables, and how it measures (the rest of the docstring). A run that did not finish is named.
"""

from __future__ import annotations

import ast
import html
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.comparisons import COMPARED
from benchmarks.environment import HERE, peers_of
from benchmarks.limits_page import limits
from benchmarks.plan import GROUPS
from benchmarks.results import ROOT, Result
from benchmarks.summary import summary
from benchmarks.tables import Table, blocks_of

PAGE = ROOT / "docs" / "benchmarks.md"
LONGEST = 30  # rows of a table that is not folded

INTRODUCTION = """\
# Benchmarks

Speed and accuracy beside other libraries, on the same data. `make bench` writes this page: every
figure on it was printed by the command beside it.

- **Ratios hold on a busy machine, seconds do not.** Both sides take turns in one process, so what
  else runs there slows both. Seconds are those of one processor unless a table says otherwise.
- The runs here are short: all of them take less than 45 minutes of one processor. `python -m
  benchmarks --full` runs each with its own defaults; [accuracy](explanation/accuracy.md),
  [speed](explanation/speed.md) and [search](explanation/search.md) report such longer runs.
- Shares of a few data sets, coverage of intervals above all, are too rough here to tell 95 % from
  85 %: those pages have them from hundreds of data sets.
- Imports and compilation are outside the clock; each library runs once on small data first.
- A peer is asked with its defaults unless the text says otherwise."""


def write_page(results: Sequence[Result], path: Path = PAGE) -> Path:
    """Write the page.

    Parameters
    ----------
    results : sequence of Result
        One a benchmark.
    path : Path
        Where.

    Returns
    -------
    Path
        The same.
    """
    path.write_text(page(results), encoding="utf-8")
    return path


def page(results: Sequence[Result]) -> str:
    """The text of the page."""
    by_name = {result.name: result for result in results}
    places = {
        name: f"[{name}](#{group.lower().replace(' ', '-')})"
        for group, names in GROUPS.items()
        for name in names
    }
    usual = _usual(results)
    parts = [INTRODUCTION, _unfinished(results, places)]
    parts += ["## In short", _IN_SHORT, summary(COMPARED, by_name, places)]
    parts += ["## Machine and versions", _environment(results, usual)]
    for group, names in GROUPS.items():
        there = [by_name[name] for name in names if name in by_name]
        parts += [f"## {group}"] * bool(there)
        parts += [limits()] * ("limits" in names)
        parts += [section(result, usual) for result in there]
    return "\n\n".join(part for part in parts if part) + "\n"


_IN_SHORT = (
    "Times, and how many times as long the quickest peer takes (below 1, it is the quicker one); "
    "then how near to the truth, ours less the best peer's. Which peer is best was known only "
    "afterwards, so differences in accuracy within the errors of the tables below mean nothing."
)


def section(result: Result, usual: dict[str, dict[str, str]]) -> str:
    """What the page says of one benchmark.

    Parameters
    ----------
    result : Result
        Of one run.
    usual : dict
        The environment of most runs; where this one's was another, that is said.

    Returns
    -------
    str
        Markdown.
    """
    path = HERE / f"bench_{result.name}.py"
    question, how = _docstring(path)
    parts = [f"### {result.name}: {question}"]
    took = f"{_time(result.cpu_seconds)} of a processor, {_time(result.seconds)} by the clock"
    facts = [f"`{result.command}`", took, result.date]
    parts.append("; ".join([*facts, *_peers(path, result), *_other(path, result, usual)]) + ".")
    if not result.finished:
        parts.append(
            f"**Not finished ({_escaped(result.outcome)}); what follows is what it printed.**"
        )
    parts += [_shown(block) for block in _joined(blocks_of(result.printed))]
    if how:
        parts.append(_folded("How it is measured", how))
    return "\n\n".join(parts)


def _joined(blocks: list[Table | str]) -> list[Table | str]:
    """The same with lines that follow each other as one block."""
    found: list[Table | str] = []
    for block in blocks:
        if isinstance(block, str) and found and isinstance(found[-1], str):
            found[-1] += "\n" + block
        else:
            found.append(block)
    return found


def _shown(block: Table | str) -> str:
    """A block as the page has it: long tables are folded, plain text keeps its widths."""
    if isinstance(block, str):
        wide = "\n" in block or "   " in block
        return f"```text\n{block}\n```" if wide else _escaped(block)
    if len(block.rows) > LONGEST:
        return _folded(f"{block.title or 'All'}: {len(block.rows)} rows", block.markdown())
    return (f"*{_escaped(block.title)}*\n\n" if block.title else "") + block.markdown()


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{html.escape(title)}</summary>\n\n{text}\n\n</details>"


def _escaped(text: str) -> str:
    return re.sub(r"([*_$<>\[\]{}|])", r"\\\1", text.strip())


def _docstring(path: Path) -> tuple[str, str]:
    """The question, and how it is answered: without the lines that say what to type."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first, _, rest = text.partition("\n")
    first = re.sub(r"[:,]? *`python[^`]*`", "", first).strip().removesuffix(".")
    kept = [part for part in rest.strip("\n").split("\n\n") if not part.startswith("    ")]
    plain = re.sub(r":(?:mod|func|class):`[~.]?([\w.]+)`", r"`\1`", "\n\n".join(kept))
    return first, re.sub(r"[$<>]", r"\\\g<0>", plain)


def _usual(results: Sequence[Result]) -> dict[str, dict[str, str]]:
    """The machine and versions of most runs, and the peers that any run had."""
    usual = {}
    for kind in ("machine", "versions"):
        seen = Counter(tuple(result.environment[kind].items()) for result in results)
        usual[kind] = dict(seen.most_common(1)[0][0])
    peers = {k: v for result in results for k, v in result.environment["peers"].items()}
    return usual | {"peers": dict(sorted(peers.items(), key=lambda peer: peer[0].lower()))}


def _environment(results: Sequence[Result], usual: dict[str, dict[str, str]]) -> str:
    """Machine, versions and dates as lines."""
    dates = sorted({result.date for result in results})
    spent, passed = (sum(getattr(r, name) for r in results) for name in ("cpu_seconds", "seconds"))
    words = {kind: ", ".join(f"{k} {v}" for k, v in usual[kind].items()) for kind in usual}
    names = {peer for path in HERE.glob("bench_*.py") for peer in peers_of(path)}
    absent = sorted(names - set(usual["peers"]) - {"scikit-learn"}, key=str.lower)
    return (
        f"- Machine: {words['machine']}.\n"
        f"- Versions: {words['versions']}.\n"
        f"- Peers: {words['peers']}.\n"
        f"- Peers that were not installed: {', '.join(absent) or 'none'}.\n"
        f"- Date: {' to '.join(dict.fromkeys((dates[0], dates[-1])))}. All runs together took "
        f"{_time(spent)} of a processor and {_time(passed)} by the clock: where the second is "
        "much more, other work ran at the same time."
    )


def _other(path: Path, result: Result, usual: dict[str, dict[str, str]]) -> list[str]:
    """In what the environment of one run differs from the usual one, peers of others left out."""
    found = []
    for kind, values in result.environment.items():
        asked = peers_of(path) if kind == "peers" else (*values, *usual[kind])
        changed = [f"{k} {v}" for k, v in values.items() if k in asked and usual[kind].get(k) != v]
        changed += [f"no {k}" for k in usual[kind] if k in asked and k not in values]
        found += [f"with other {kind}: {', '.join(changed)}"] * bool(changed)
    return found


def _peers(path: Path, result: Result) -> list[str]:
    """Which peers the benchmark knows, and which were missing."""
    known = [peer for peer in peers_of(path) if peer != "scikit-learn"]
    there = {**result.environment["peers"]}
    beside = [peer for peer in known if peer in there]
    missing = [peer for peer in known if peer not in there]
    found = [f"peers: {', '.join(beside)}"] * bool(beside)
    return found + [f"not installed: {', '.join(missing)}"] * bool(missing)


def _unfinished(results: Sequence[Result], places: dict[str, str]) -> str:
    """The runs that failed or were stopped, one line each."""
    lines = [
        f"- {places[result.name]}: {_escaped(result.outcome)}"
        for result in results
        if not result.finished
    ]
    return "**Not finished:**\n\n" + "\n".join(lines) if lines else ""


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
