"""The degenerate Gaussian test: categories as indicators, then one likelihood ratio for all.

Put the indicators of its levels in the place of a categorical variable and treat everything as
jointly Gaussian. The indicators of one variable sum to one, so that Gaussian is degenerate, which
gave the test its name; leaving one level out removes that. Independence of two variables given
others is then independence of two blocks of columns, and one matrix of correlations answers every
question about a table of mixed columns.

The Gaussian model is wrong for indicators, of course, but the first two moments carry what the test
looks at: means that differ between levels, and levels whose frequencies move with a number. What it
cannot see is a difference in variance only, or an interaction; see
:class:`~causalkit.independence.ConditionalGaussian` for these.
"""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.table import Table
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.blocks import bind_embedding
from causalkit.independence.embedding import Embedding, indicators
from causalkit.typing import FloatArray

__all__ = ["DegenerateGaussian"]


@dataclass(frozen=True, slots=True)
class DegenerateGaussian(CITest):
    """Likelihood-ratio test for numeric and categorical columns in one table.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - the conditional means of numbers and of level indicators are linear in the others' numbers
      and indicators, without interactions;
    - no level is rare: below some ten rows an indicator is far from Gaussian;
    - no cell is missing.

    A column is categorical if it comes as a category (pandas, polars, pyarrow) or as booleans; a
    numeric column is a number, also if it has three values only. Each k-level variable counts as
    k - 1 columns in the degrees of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(3, size=300)
    >>> income = 0.5 * (group == 2) + rng.normal(size=300)
    >>> data = {"group": pd.Categorical.from_codes(group, list("abc")), "income": income}
    >>> DegenerateGaussian().test(data, "group", "income").p_value < 0.01
    True

    References
    ----------
    Andrews, Ramsey and Cooper (2019), "Learning high-dimensional directed acyclic graphs with
    mixed data-types", PMLR 104: 4-21. Bartlett (1938), "Further aspects of the theory of multiple
    regression", doi:10.1017/S0305004100019897.
    """

    def bind(self, table: Table) -> BoundTest:
        """Check the table and compute the correlations of all indicators and numbers.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells, or constant columns.
        """
        return bind_embedding(self.embed(table))

    def embed(self, table: Table, weights: FloatArray | None = None) -> Embedding:
        """Replace categories by the indicators of all levels but the first."""
        return indicators(table, weights, who="DegenerateGaussian")
