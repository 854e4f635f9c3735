"""Missing cells: what to do about them depends on why they are missing.

=====================================  ==================================================
why cells are missing                  what to use
=====================================  ==================================================
by pure chance (MCAR)                  :class:`TestwiseDeletion`: each test uses the rows
                                       that are complete in its own columns
a cell is missing because of values    :class:`~causalkit.independence.MissingnessCorrection`:
of *other* columns, observed or not    finds those causes and undoes what they do to a test
(MAR; MNAR without self-masking)       (with :class:`~causalkit.discovery.PC`: the MV-PC
                                       algorithm)
because of values that are observed    :class:`~causalkit.independence.MultipleImputation`:
(MAR), and rows are few                fills in what is likely, many times, and pools
it is 0 because it was not detected    :class:`~causalkit.independence.ZeroDeletion`
a cell is missing because of its own   none of these: bring knowledge of the mechanism
value (self-masking)
=====================================  ==================================================

An independence that is found on rows that are complete holds for all rows (as long as the causes of
missing cells are columns, and missing cells cause nothing): deletion cuts no edge that should stay,
whatever the power. It may leave edges too many: choosing rows by a common effect of x and y makes
the two dependent, as conditioning on it would. That is what the correction is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from causalkit._core.table import Table
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.deletion import bind_on_rows, check_observed, warn_of_thin_pairs
from causalkit.independence.fisher_z import FisherZ
from causalkit.typing import Name

__all__ = ["TestwiseDeletion"]


@dataclass(frozen=True, slots=True)
class TestwiseDeletion(CITest):
    """Any test, on the rows that are complete in the columns it looks at.

    Parameters
    ----------
    inner : CITest
        The test for complete rows. :class:`~causalkit.independence.FisherZ` runs in compiled code;
        any other test is bound anew to each set of columns.

    Notes
    -----
    **Assumes:**

    - the assumptions of `inner`;
    - no cell is missing because of its own value, and whether a cell is missing affects nothing;
    - for dependences too: cells are missing by chance, or because of columns that the test
      conditions on. Otherwise x and y may look dependent without being so; see
      :class:`~causalkit.independence.MissingnessCorrection`.

    `n_used` of each answer says how many rows it rests on. A set that leaves too few rows, or rows
    on which a column is constant, is untestable: it separates nothing.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=200)
    >>> y = x + rng.normal(size=200)
    >>> y[:80] = np.nan
    >>> result = TestwiseDeletion().test({"x": x, "y": y}, "x", "y")
    >>> result.n_used, result.p_value < 1e-6
    (120, True)

    References
    ----------
    Tu, Zhang, Ackermann, Mohan, Kjellström and Zhang (2019), "Causal discovery in the presence of
    missing data", AISTATS, doi:10.48550/arXiv.1807.04010.
    """

    __test__ = False  # its name begins like that of a test class

    inner: CITest = field(default_factory=FisherZ)

    def bind(self, table: Table) -> BoundTest:
        """Check the table and note which cells are missing.

        Raises
        ------
        InputError
            If a column has no observed cell, is constant where observed, or `inner` refuses it.
        """
        check_observed(table, self.inner, who="TestwiseDeletion")
        missing = table.missing
        warn_of_thin_pairs(table, missing)
        return bind_on_rows(self.inner, table, missing, missing)

    def nodes(self, names: tuple[Name, ...]) -> tuple[Name, ...]:
        """Names of the variables of `inner`."""
        return self.inner.nodes(names)

    def columns(self, nodes: tuple[Name, ...]) -> tuple[Name, ...]:
        """Columns that `inner` needs."""
        return self.inner.columns(nodes)

    def about(self, nodes: tuple[Name, ...]) -> CITest:
        """Return the test for a table of just these variables."""
        return replace(self, inner=self.inner.about(nodes))
