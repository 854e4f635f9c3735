"""Why cells are missing: the columns whose values make cells of another column missing.

Write R_v for the indicator that column v is missing. If missing cells cause nothing, not even each
other, R_v is a sink: given its causes it is independent of every other column. So the causes are
found as PC finds neighbours: a column is none if some set of the others separates it from R_v.

What a test sees of a column that has missing cells itself does no harm here. Whichever rows are
complete in the causes and in the column that is asked about, given the causes R_v is independent of
that column on these rows, too.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> age, health = rng.normal(size=(2, 1000))
>>> income = age + rng.normal(size=1000)
>>> income[(age > 0.5) & (rng.random(1000) < 0.8)] = np.nan
>>> print(causes_of_missingness({"age": age, "health": health, "income": income}))
Causes of missing cells
───────────────────────
column  missing  because of
───────────────────────────
income  23.3 %   age
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from causalkit._core.checks import as_names, check_fraction
from causalkit._core.report import Report, Reported
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError
from causalkit.independence.deletion import BoundOnRows, Groups, check_observed
from causalkit.independence.fisher_z import FisherZ
from causalkit.typing import BoolArray, Data, Name, Names

__all__ = ["MissingnessCauses", "causes_of_missingness", "find_causes"]


@dataclass(frozen=True, slots=True, repr=False)
class MissingnessCauses(Reported):
    """Causes of missing cells, by column.

    Attributes
    ----------
    causes : dict
        For each column with missing cells the columns that make them missing; none if chance does.
    share : dict
        Which share of its cells is missing.
    """

    causes: dict[Name, tuple[Name, ...]]
    share: dict[Name, float]

    def _report(self) -> Report:
        rows = [
            (str(name), f"{self.share[name]:.1%}".replace("%", " %"), _listed(causes))
            for name, causes in self.causes.items()
        ]
        notes = () if rows else ("No cell is missing.",)
        columns = ("column", "missing", "because of") if rows else ()
        return Report("Causes of missing cells", columns=columns, rows=rows, notes=notes)


def causes_of_missingness(data: Data, *, alpha: float = 0.001) -> MissingnessCauses:
    """Find the columns whose values make cells of other columns missing.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
    alpha : float, default 0.001
        A column is no cause if a p-value exceeds `alpha`. Small, because all pairs of columns are
        asked about, and a cause too weak to be seen at this level distorts little.

    Returns
    -------
    MissingnessCauses

    Raises
    ------
    InputError
        If a column has no observed cell, is constant where observed, or has more than two levels.

    Notes
    -----
    **Assumes:**

    - no column makes its own cells missing (there is no way to see that in the data);
    - missing cells cause nothing, not even that other cells are missing;
    - columns depend on each other linearly, and more of a cause makes cells more (or less) likely
      to be missing: a cause whose high and low values do the same is not seen;
    - every independence comes from the graph (faithfulness), and the tests find it.

    References
    ----------
    Tu, Zhang, Ackermann, Mohan, Kjellström and Zhang (2019), "Causal discovery in the presence of
    missing data", AISTATS, doi:10.48550/arXiv.1807.04010.
    """
    table = as_table(data)
    check_observed(table, FisherZ(), who="causes_of_missingness")
    caused = find_causes(table, check_fraction(alpha, "alpha"))
    names, missing = table.names, table.missing
    incomplete = [k for k in range(table.n_columns) if missing[:, k].any()]
    return MissingnessCauses(
        {names[k]: tuple(names[c] for c in np.flatnonzero(caused[:, k])) for k in incomplete},
        {names[k]: float(missing[:, k].mean()) for k in incomplete},
    )


def find_causes(table: Table, alpha: float) -> BoolArray:
    """Matrix (p, p): `found[c, v]` says that values of c make cells of v missing."""
    missing, p = table.missing, table.n_columns
    incomplete = np.flatnonzero(missing.any(axis=0))
    found = np.zeros((p, p), dtype=np.bool_)
    if not len(incomplete):
        return found
    values = np.hstack([table.values, missing[:, incomplete].astype(np.float64)])
    spoilt = np.hstack([missing, np.zeros((table.n_rows, len(incomplete)), dtype=np.bool_)])
    bound = BoundOnRows(Groups.of(values, spoilt, spoilt))
    for k, v in enumerate(incomplete.tolist()):
        found[_neighbours(bound, p + k, [c for c in range(p) if c != v], alpha), v] = True
    return found


def known_causes(causes: Mapping[Name, Names], table: Table) -> BoolArray:
    """Matrix (p, p) of causes that are known."""
    if not isinstance(causes, Mapping):
        raise InputError(
            f"causes={causes!r}, a {type(causes).__name__}; expected a mapping of columns to the "
            "columns that make their cells missing. Write e.g. {'income': ['age', 'region']}."
        )
    found = np.zeros((table.n_columns, table.n_columns), dtype=np.bool_)
    for name, names in causes.items():
        v = table.index(name)
        for cause in as_names(names):
            c = table.index(cause)
            if c == v:
                raise InputError(
                    f"causes says that {name!r} makes its own cells missing; expected other "
                    "columns. No correction for that follows from the data: leave it out."
                )
            found[c, v] = True
    return found


def _neighbours(bound: BoundOnRows, indicator: int, columns: list[int], alpha: float) -> list[int]:
    """Columns that no set of other neighbours separates from the indicator, as PC-stable asks."""
    size: dict[int, float] = {}
    for c in columns:
        search = bound.first_separator(indicator, c, (), 0, alpha)
        # An indicator that is constant where c is seen has no cause that a test could use.
        if search.result is not None and not search.separated:
            size[c] = abs(search.result.statistic)
    left = sorted(size, key=lambda c: (-size[c], c))
    order = 1
    while len(left) > order:
        pools = {c: [other for other in left if other != c] for c in left}
        left = [
            c for c in left
            if not bound.first_separator(indicator, c, pools[c], order, alpha).separated
        ]  # fmt: skip
        order += 1
    return sorted(left)


def _listed(names: Iterable[Name]) -> str:
    return ", ".join(map(str, names)) or "chance"
