"""Tables in Markdown: printed a row at a time by the benchmarks, and read back for the page.

What a benchmark prints is read by a person at a terminal, and by :mod:`benchmarks.page`, which
copies its tables to `docs/benchmarks.md` and takes the figures of the summary from them. Both want
the same thing: a line of names, and a row as soon as it is known.

    head("nodes", "library", "ms", title="One search")
    row(100, "causalkit", f"{4.123:.2f}")

:func:`blocks_of` takes such a text apart again, into tables and the lines between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

RULE = re.compile(r"\|(\s*:?-+:?\s*\|)+")
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")


def head(*names: Any, title: str = "") -> None:
    """Print the names of the columns, below a title if there is one."""
    print(f"\n{title}\n" if title else "")
    print(f"| {' | '.join(map(str, names))} |")
    print("| --- " * len(names) + "|", flush=True)


def row(*cells: Any) -> None:
    """Print one row; cells are shown as `str` shows them, `None` as a dash."""
    print(f"| {' | '.join('–' if cell is None else str(cell) for cell in cells)} |", flush=True)


def beside(scores: np.ndarray, reference: np.ndarray) -> list[str]:
    """Cells with means over the same data sets, and how far each lies from that of a reference.

    Parameters
    ----------
    scores, reference : array of float, shape (n_data_sets, n_measures)
        Of a method, and of the one that it is compared with.

    Returns
    -------
    list of str
        Mean, mean difference and its standard error, a cell a measure.
    """
    apart = scores - reference
    error = apart.std(axis=0, ddof=1) / np.sqrt(len(apart))
    means = zip(scores.mean(axis=0), apart.mean(axis=0), error, strict=True)
    return [f"{mean:.3f} ({gap:+.3f} ± {se:.3f})" for mean, gap, se in means]


@dataclass(frozen=True, slots=True)
class Table:
    """One table as it was printed."""

    title: str  # the line above it, with one blank line between
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table again, with columns of numbers set to the right."""
        rules = ["--:" if _is_numeric(column) else "---" for column in zip(*self.rows, strict=True)]
        lines = [self.names, rules or ["---"] * len(self.names), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def blocks_of(text: str) -> list[Table | str]:
    """What was printed, in order: tables, and the lines between them (blank ones left out)."""
    lines = [line.rstrip() for line in text.splitlines()]
    found: list[Table | str] = []
    k = 0
    while k < len(lines):
        if lines[k].startswith("|") and k + 1 < len(lines) and RULE.fullmatch(lines[k + 1]):
            names, start = _cells(lines[k]), k
            k += 2
            rows = []
            while k < len(lines) and lines[k].startswith("|"):
                rows.append(_as_long_as(names, _cells(lines[k])))
                k += 1
            named = start > 1 and not lines[start - 1] and lines[start - 2]
            title = found.pop() if named and isinstance(found[-1], str) else ""
            found.append(Table(title.lstrip("# "), names, tuple(rows)))
            continue
        if lines[k].strip():
            found.append(lines[k])
        k += 1
    return found


def number(cell: str) -> float | None:
    """The first number of a cell; `None` if there is none."""
    found = NUMBER.search(cell)
    return float(found.group().replace(",", "")) if found else None


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().removesuffix("|")[1:].split("|"))


def _as_long_as(names: tuple[str, ...], cells: tuple[str, ...]) -> tuple[str, ...]:
    """A row with as many cells as there are names, what is spare joined to the last."""
    most = len(names)
    cells = (*cells[: most - 1], " / ".join(cells[most - 1 :])) if len(cells) > most else cells
    return cells + ("",) * (most - len(cells))


def _is_numeric(column: tuple[str, ...]) -> bool:
    """Whether every cell that says something begins with a number."""
    said = [cell for cell in column if cell not in ("", "–", "—", "nan")]
    return bool(said) and all(NUMBER.match(cell) for cell in said)
