"""How far each discovery algorithm reaches: the table that the package ships, one row a method.

`causalkit/discovery/limits.csv` has one row a method, number of rows and degree, measured by
`bench_limits.py` over 45 minutes of a processor and more, and `discovery.suggest` reads it. On the
page the designs stand side by side, as a user chooses: so many rows, such a density.
"""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.tables import Table

LIMITS = Path(__file__).parents[1] / "causalkit" / "discovery" / "limits.csv"

EXPLAINED = """\
How many variables (of series: how many series) a method reaches with *n* rows and a mean *degree*:
first the largest number at which its graph was nearer to the truth than the graph without edges,
then the largest at which one fit took at most a minute of one processor. *≥* marks the largest
size that was measured, so the boundary lies beyond it; a dash, that no size was; an empty cell,
that it was not measured. The data suit the method (*made for*): where its assumptions fail it
reaches less far. The table is `causalkit/discovery/limits.csv`, which `discovery.suggest` reads."""


def limits(path: Path = LIMITS) -> str:
    """The table as Markdown, one for tables and one for series.

    Parameters
    ----------
    path : Path
        The file; comments begin with #.

    Returns
    -------
    str
        Empty if there is no such file.
    """
    if not path.exists():
        return ""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    said = " ".join(line.lstrip("# ") for line in lines if line.startswith("#"))
    designs = sorted({(int(row["n"]), float(row["degree"])) for row in rows})
    parts = [EXPLAINED, said]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        methods: dict[str, dict[tuple[int, float], str]] = {}
        made_for = {}
        for row in rows:
            if row["kind"] == kind:
                made_for[row["method"]] = row["model"]
                cells = methods.setdefault(row["method"], {})
                cells[int(row["n"]), float(row["degree"])] = reach(row)
        names = ("method", "made for", *(f"n {n:,}, degree {degree:g}" for n, degree in designs))
        body = tuple(
            (name, made_for[name], *(cells.get(design, "") for design in designs))
            for name, cells in methods.items()
        )
        parts.append(f"*{kind.capitalize()}: beats the empty graph up to / a minute up to*")
        parts.append(Table("", names, body).markdown())
    return "\n\n".join(parts)


def reach(row: dict[str, str]) -> str:
    """Both boundaries of one row of the file."""
    beyond = "≥ " if row["stopped"] == "grid" else ""
    beats, minute = row["p_beats"], row["p_minute"]
    at_end = beyond if beats == minute else ""
    return f"{at_end}{beats or '–'} / {beyond if minute else ''}{minute or '–'}"
