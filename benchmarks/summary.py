"""The two short tables on top of the page: ours beside the best peer, read from what was printed.

A :class:`Compared` says where in the output of a benchmark a comparison stands, and never a figure.
Tables come in two shapes, and both are read: one row a library (`by` names the column that says
which), and one column a library (`by` is empty, `ours` and `peers` are names of columns). What is
not there, because the run was stopped or no peer is installed, is said in the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.results import Result
from benchmarks.tables import Table, blocks_of, number


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the summary.

    Parameters
    ----------
    task : str
        What is done.
    benchmark : str
        Whose output it stands in.
    value : str
        The column of the figure, in a table with a row a library.
    unit : str
        What is measured: behind a time "s" or "ms", or the name of a measure of accuracy.
    by : str, default "library"
        The column that names the library; empty in a table with a column a library.
    ours : str, default "causalkit"
        Our name in that column, or our column.
    peers : tuple of str
        Their names, or columns; all others if empty.
    where : dict
        Cells that a row must have.
    title : str
        Part of the title of the table.
    called : str, optional
        The peer's name, where the table does not have it in the row.
    accuracy : bool, default False
        Whether it stands in the second table.
    less : bool, default True
        Whether less is better.
    """

    task: str
    benchmark: str
    value: str = ""
    unit: str = "ms"
    by: str = "library"
    ours: str = "causalkit"
    peers: tuple[str, ...] = ()
    where: dict[str, str] = field(default_factory=dict)
    title: str = ""
    called: str = ""
    accuracy: bool = False
    less: bool = True

    def figures(self, tables: Iterable[Table]) -> dict[str, float]:
        """Who reached what, ours first, in the first table that has it."""
        for table in tables:
            asked = {self.value, self.by, *self.where} if self.by else {self.ours, *self.where}
            if self.title not in table.title or not asked <= set(table.names):
                continue
            rows = [dict(zip(table.names, cells, strict=True)) for cells in table.rows]
            rows = [row for row in rows if all(row[k] == v for k, v in self.where.items())]
            found: dict[str, float | None] = {}
            for row in rows if self.by else []:
                found.setdefault(row[self.by], number(row[self.value]))
            for name in table.names if rows and not self.by else ():
                found[name] = number(rows[0][name])
            if found.get(self.ours) is not None:
                others = self.peers or [name for name in found if "causalkit" not in name]
                return {k: v for k in (self.ours, *others) if (v := found.get(k)) is not None}
        return {}

    def row(self, result: Result | None, place: str) -> tuple[str, ...]:
        """Task, ours, the best peer, how they compare, and where to read it."""
        tables = [b for b in blocks_of(result.printed if result else "") if isinstance(b, Table)]
        found = self.figures(tables)
        mine = found.pop(self.ours, None)
        if mine is None:
            return (self.task, "not measured", "", "", place)
        ours = _short(mine) if self.accuracy else f"{_short(mine)} {self.unit}"
        if not found:
            return (self._named(), ours, "no peer answered", "", place)
        best = (min if self.less else max)(found, key=lambda name: found[name])
        theirs = f"{self.called or _plain(best)}: {_short(found[best])}"
        if self.accuracy:
            return (self._named(), ours, theirs, f"{mine - found[best]:+.2g}", place)
        ratio = _short(found[best] / mine, 2)
        return (self._named(), ours, f"{theirs} {self.unit}", f"{ratio} ×", place)

    def _named(self) -> str:
        sense = "less is better" if self.less else "more is better"
        return f"{self.task}: {self.unit} ({sense})" if self.accuracy else self.task


def summary(
    compared: Iterable[Compared], results: dict[str, Result], places: dict[str, str]
) -> str:
    """Both tables, speed and accuracy.

    Parameters
    ----------
    compared : iterable of Compared
        One a line.
    results : dict
        By name.
    places : dict
        A link for each name.

    Returns
    -------
    str
        Markdown.
    """
    parts, asked = [], list(compared)
    for accuracy, last in ((False, "peer / ours"), (True, "ours − peer")):
        names = ("task", "ours", "best peer", last, "read")
        rows = [
            each.row(results.get(each.benchmark), places[each.benchmark])
            for each in asked
            if each.accuracy is accuracy
        ]
        parts.append(Table("", names, tuple(rows)).markdown())
    return "\n\n".join(parts)


def _short(value: float, digits: int = 3) -> str:
    """So many significant digits, and no exponent."""
    return f"{value:,.0f}" if abs(value) >= 10**digits - 0.5 else f"{value:.{digits}g}"


def _plain(name: str) -> str:
    """A peer's name as the summary shows it."""
    return name.removesuffix(", ms").removesuffix(", s").strip("`")
