"""Results that read well in a terminal and in a notebook.

A result is a frozen value that derives from :class:`Reported` and says once, in `_report()`, what
it has to tell: a title, some facts, a table, some notes. Text and HTML follow from that.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from numbers import Integral, Real
from typing import Any

__all__ = ["Report", "Reported", "format_value"]

_WIDTH = 88


def format_value(value: object) -> str:
    """Numbers to four significant digits, a dash for none, anything else as it prints."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return "–" if value is None else str(value)
    if isinstance(value, Integral):
        return f"{int(value):,}" if abs(int(value)) >= 10_000 else str(int(value))
    number = float(value)
    if math.isnan(number):
        return "–"
    if number != 0 and not 1e-4 <= abs(number) < 1e7:
        return f"{number:.3g}"
    if abs(number) >= 1000:
        return f"{number:,.1f}"
    return f"{number:.4g}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a result has to say, free of any medium."""

    title: str
    facts: Sequence[tuple[str, object]] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    notes: Sequence[str] = ()

    def text(self) -> str:
        """Plain text, at most 88 characters wide where words can be wrapped."""
        blocks = [f"{self.title}\n{'─' * min(len(self.title), _WIDTH)}"]
        if self.facts:
            width = max(len(key) for key, _ in self.facts)
            blocks.append("\n".join(_fact(key, value, width) for key, value in self.facts))
        if self.columns:
            blocks.append(_text_table(self.columns, self.rows))
        blocks += [textwrap.fill(note, _WIDTH) for note in self.notes]
        return "\n\n".join(blocks) if len(blocks) > 2 else "\n".join(blocks)

    def html(self) -> str:
        """One `<div>` with tables that need no style sheet."""
        parts = [f"<h4>{escape(self.title)}</h4>"]
        if self.facts:
            rows = (f"<tr><th>{escape(k)}</th><td>{_cell(v)}</td></tr>" for k, v in self.facts)
            parts.append(f"<table class='ck-facts'>{''.join(rows)}</table>")
        if self.columns:
            head = "".join(f"<th>{escape(c)}</th>" for c in self.columns)
            body = "".join(
                "<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row) + "</tr>" for row in self.rows
            )
            parts.append(f"<table class='ck-table'><tr>{head}</tr>{body}</table>")
        parts += [f"<p>{escape(note)}</p>" for note in self.notes]
        return f"<div class='ck-report'>{''.join(parts)}</div>"


class Reported:
    """Mix-in for frozen results: `_report()` is all that they write."""

    __slots__ = ()

    def _report(self) -> Report:
        raise TypeError(f"{type(self).__name__} must define _report()")

    def __repr__(self) -> str:
        return self._report().text()

    def _repr_html_(self) -> str:
        return self._report().html()


def _fact(key: str, value: object, width: int) -> str:
    indent = " " * (width + 2)
    body = format_value(value)
    return textwrap.fill(
        f"{key:<{width}}  {body}", _WIDTH, subsequent_indent=indent, break_long_words=False
    )


def _text_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = [[format_value(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[k], Real) for row in rows) for k in range(len(columns))
    ]

    def line(values: Sequence[str]) -> str:
        padded = (
            v.rjust(w) if right else v.ljust(w)
            for v, w, right in zip(values, widths, numeric, strict=True)
        )
        return "  ".join(padded).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([line(list(columns)), rule, *(line(row) for row in cells)])


def _cell(value: object) -> str:
    return escape(format_value(value))
