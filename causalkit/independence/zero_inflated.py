"""Zeros that stand for "not detected", as in single-cell counts.

Where a gene is expressed but not captured its count is 0, and a column of such counts is not the
variable of the graph but a damaged copy. Testing the copies as they are keeps too many edges: given
z is 0, the true z still varies, so conditioning on the copy does not block what runs through z.

Zero deletion conditions on z only where it was seen: of the columns in the conditioning set, all
must be non-zero; x and y themselves may be zero. If dropout depends on the gene's own value only,
x and y are independent given S on these rows exactly when the true variables are.

That x and y keep their zeros saves rows, and where low values drop out a zero tells that the value
is low. Where zeros come at random and lie far from all other values they tell nothing and drown the
dependence of x and y. Then mark zeros as missing and use
:class:`~causalkit.independence.TestwiseDeletion`, which leaves out rows where x or y is zero, too.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from causalkit._core.table import Table
from causalkit.errors import FewRowsWarning
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.deletion import bind_on_rows, check_observed, warn_of_thin_pairs
from causalkit.independence.fisher_z import FisherZ
from causalkit.typing import Name

__all__ = ["ZeroDeletion"]

_FEW_ROWS: Final = 30


@dataclass(frozen=True, slots=True)
class ZeroDeletion(CITest):
    """Any test, on the rows where no column that is conditioned on is zero.

    Parameters
    ----------
    inner : CITest
        The test for undamaged rows. :class:`~causalkit.independence.FisherZ` runs in compiled code;
        any other test is bound anew to each question's rows.

    Notes
    -----
    **Assumes:**

    - the assumptions of `inner` on the rows that are used;
    - whether a value drops to zero depends on this value only (or on nothing), not on others;
    - dropout changes nothing but the copy that is seen: no other variable reacts to the zero;
    - the dependence of x and y shows in their damaged copies;
    - a true value is zero only by dropout.

    Columns are expected on a scale on which `inner` makes sense, e.g. log(1 + count). Missing cells
    spoil a row for all tests on their column. A set that leaves too few rows is untestable: it
    separates nothing, so its edge stays; it is counted in `n_untestable_` of the algorithm, and
    `n_used` of each answer says how many rows it rests on.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(5, 1, size=4000)
    >>> x, y = z + rng.normal(size=(2, 4000))
    >>> seen = np.where(rng.random(4000) < 0.5, z, 0)
    >>> data = {"x": x, "y": y, "z": seen}
    >>> result = ZeroDeletion().test(data, "x", "y", given="z")
    >>> result.p_value > 0.05, result.n_used == (seen != 0).sum().item()
    (True, True)
    >>> FisherZ().test(data, "x", "y", given="z").p_value < 1e-6
    True

    References
    ----------
    Dai, Ng, Luo, Spirtes, Stojanov and Zhang (2024), "Gene regulatory network inference in the
    presence of dropouts: a causal view", ICLR, doi:10.48550/arXiv.2403.15500.
    """

    inner: CITest = field(default_factory=FisherZ)

    def bind(self, table: Table) -> BoundTest:
        """Check the table and note which cells are zero.

        Raises
        ------
        InputError
            If a column has no observed cell, is constant where observed, or `inner` refuses it.
        """
        check_observed(table, self.inner, who="ZeroDeletion")
        missing = table.missing
        # The first level of a category has the code 0, and is none.
        labels = np.array([table.kind(name) == "categorical" for name in table.names])
        zero = missing | ((table.values == 0.0) & ~labels)
        warn_of_thin_pairs(table, missing)
        _warn_of_rare(table, np.asarray((~zero).sum(axis=0)))
        return bind_on_rows(self.inner, table, missing, zero)

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables of `inner`."""
        return self.inner.nodes(names)

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns that `inner` needs."""
        return self.inner.columns(nodes)

    def about(self, nodes: tuple[Name, ...]) -> CITest:
        """Return the test for a table of just these variables."""
        return replace(self, inner=self.inner.about(nodes))


def _warn_of_rare(table: Table, n_seen: np.ndarray) -> None:
    rare = np.flatnonzero(n_seen < min(_FEW_ROWS, table.n_rows))
    if not len(rare):
        return
    shown = ", ".join(f"{table.names[k]!r} ({int(n_seen[k])})" for k in rare[:8])
    warnings.warn(
        f"{len(rare)} column(s) are non-zero in fewer than {_FEW_ROWS} rows: {shown}"
        f"{', …' if len(rare) > 8 else ''}. Hardly a set that holds one of them can be tested, so "
        "edges that such a set should cut stay.",
        FewRowsWarning,
        stacklevel=3,
    )
