"""Kernel tests of (conditional) independence: dependence of any shape, numbers or categories.

Two variables are independent exactly if no function of one is correlated with any function of the
other. A Gaussian kernel stands for so many functions that it is enough to look at those: the
Hilbert-Schmidt independence criterion (:class:`HSIC`) is the sum of all squared covariances
between functions of x and functions of y, ``tr(K_x K_y)`` for centred kernel matrices. The
kernel-based conditional test (:class:`KCI`) takes out of the functions what the set Z explains of
them, and compares what is left: ``tr(K_x|z K_y|z)``.

**The level.** The rows of a conditional test are residuals, so the test is as good as the
regression. With one width and ridge for all, which is how it was published, residuals still hold a
bit of Z, the same bit in x and y, and true independence is rejected too often, the more variables
Z has and the more rows there are. By default every function has a width and a ridge of its own,
chosen by marginal likelihood, and degrees of freedom are counted (see
:mod:`~causalkit.independence.ridge`).

**The functions.** "x is independent of y given Z" is more than "residuals are uncorrelated on
average": the covariance must vanish at each value of Z. As published, functions of x and Z together
are regressed on Z; those are rougher in Z than functions of x alone, so they are harder to regress.
Here residuals of functions of x are multiplied by functions of Z afterwards, which comes to the
same in the limit (Daudin 1980), ``Σ_ij K_x|z[i,j] K_y|z[i,j] K_z[i,j]``.

**The null distribution.** Let U be the elementwise product of the three matrices. If the rows are
independent, changing signs of rows of residuals changes nothing, and the statistic ``Σ_ij U_ij``
becomes ``Σ_ij e_i e_j U_ij`` with mean ``tr U`` and variance ``2 Σ_{i≠j} U_ij²``: no
eigenvalues are needed. A gamma distribution with these moments gives the p-value.

**The cost.** All kernels are factors LL' with r columns, r being some 10 to 100, so a test costs
nr² for regressions, of which most is shared by all tests given the same set, and n² for U.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from causalkit._core.checks import check_choice, check_count, check_positive
from causalkit._core.table import Table
from causalkit.errors import InputError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.bound_kernel import BoundHSIC, BoundKCI
from causalkit.independence.kernel_matrices import blocks_of
from causalkit.independence.nystrom import BoundNystrom
from causalkit.independence.rcot import RCIT
from causalkit.typing import Name

__all__ = ["HSIC", "KCI"]

_NULLS: Final = ("gamma", "spectral")
_APPROXIMATIONS: Final = ("auto", "exact", "nystrom", "features")
_EXACT_UP_TO: Final = 300
"""Rows above which a table is approximated unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class HSIC(CITest):
    """Kernel test of independence without a conditioning set.

    Parameters
    ----------
    width : float or "median", default "median"
        Width of the Gaussian in standard deviations of a column; "median" is the median distance
        between rows.
    null : {"gamma", "spectral", "permutation"}
        Null distribution: a gamma with mean and variance of all permutations of rows, a weighted
        sum of chi-squares, or permutations.
    n_permutations : int, default 499
        Drawn where `null` is "permutation".
    random_state : int, default 0
        Seed of these permutations; the same ones serve all pairs.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - no cell is missing.

    Columns may be numeric, boolean or categorical. Any dependence is found with enough rows; a
    smooth one is found with few. The statistic is ``tr(K_x K_y) / n``.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.normal(size=(2, 200))
    >>> data = {"x": x, "y": x**2 + noise, "z": noise}  # x and y are uncorrelated
    >>> HSIC().test(data, "x", "y").p_value < 1e-6
    True
    >>> HSIC().test(data, "x", "z").p_value > 0.05
    True

    References
    ----------
    Gretton, Fukumizu, Teo, Song, Schölkopf and Smola (2008), "A kernel statistical test of
    independence", NeurIPS 20. Kazi-Aoual et al. (1995), "Refined approximations to permutation
    tests for multivariate inference", doi:10.1016/0167-9473(94)00064-2, for the moments.
    """

    width: float | str = "median"
    null: str = "gamma"
    n_permutations: int = 499
    random_state: int = 0

    def __post_init__(self) -> None:
        _check_width(self.width)
        check_choice(self.null, "null", (*_NULLS, "permutation"))
        check_count(self.n_permutations, "n_permutations")
        check_count(self.random_state, "random_state", minimum=0)

    def bind(self, table: Table) -> BoundHSIC:
        """Check the table and factor the kernel of each column.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells or constant columns.
        """
        return self.bind_groups(table)

    def bind_groups(
        self, table: Table, groups: Mapping[Name, tuple[Name, ...]] | None = None
    ) -> BoundHSIC:
        """Bind to groups of columns; the kernels of a group are multiplied."""
        blocks = blocks_of(table, who="HSIC", groups=groups)
        permuted = (self.n_permutations, self.random_state)
        return BoundHSIC(blocks, self.width, self.null, permuted)


@dataclass(frozen=True, slots=True)
class KCI(CITest):
    """Kernel-based conditional independence test for numeric and categorical columns.

    Parameters
    ----------
    width : float or "median", default "median"
        Width of the Gaussian kernels of x and y, in standard deviations of a column; "median" is
        the median distance between rows.
    ridge : float or "likelihood", default "likelihood"
        "likelihood" regresses each function of x and of y on the set with a width and a ridge of
        its own. A number is the test as published: one regression for all, with this ridge and the
        width above, of functions of x together with half of the set.
    null : {"gamma", "spectral"}
        Null distribution by two moments, or by all eigenvalues (cubic in the rows); the latter is
        more exact far out, below p-values of some 0.001.
    approximation : {"auto", "exact", "nystrom", "features"}
        "exact" kernels are right in all cells to eight digits, and a test costs the square of the
        rows; with "nystrom" (:mod:`~causalkit.independence.nystrom`) some rows stand for all, and
        it grows with the rows; "features" is :class:`~causalkit.independence.RCIT`, five random
        functions of each variable. "auto" is exact up to 300 rows, and wherever a number is given
        for `ridge` or the null distribution is spectral, else "nystrom". The bound test says which
        it is in its attribute `approximation`.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - what a set explains is smooth: functions of x change little where the set's numbers do;
    - no cell is missing.

    A category counts as it is: rows in different levels have nothing in common. Given a category
    and numbers, the marginal likelihood decides for each function whether one curve for all levels
    is enough.

    The published variant treats x and y differently; which is which is decided by their values, so
    that the order of columns says nothing.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=200)
    >>> x, y = np.sin(2 * z) + rng.normal(size=(2, 200)) / 2
    >>> data = {"x": x, "y": y, "z": z}
    >>> KCI().test(data, "x", "y").p_value < 1e-6
    True
    >>> KCI().test(data, "x", "y", given="z").p_value > 0.05
    True

    References
    ----------
    Zhang, Peters, Janzing and Schölkopf (2011), "Kernel-based conditional independence test and
    application in causal discovery", UAI, doi:10.48550/arXiv.1202.3775. Daudin (1980), "Partial
    association measures and an application to qualitative regression", doi:10.1093/biomet/67.3.581.
    Pogodin, Schrab, Li, Sutherland and Gretton (2024), "Practical kernel tests of conditional
    independence", doi:10.48550/arXiv.2402.13196, on bias and level.
    """

    width: float | str = "median"
    ridge: float | str = "likelihood"
    null: str = "gamma"
    approximation: str = "auto"

    def __post_init__(self) -> None:
        _check_width(self.width)
        if self.ridge != "likelihood":
            if isinstance(self.ridge, str):
                raise InputError(
                    f"ridge={self.ridge!r}; expected 'likelihood' or a number above 0. Use 1e-3 "
                    "for the test as published."
                )
            check_positive(self.ridge, "ridge")
        check_choice(self.null, "null", _NULLS)
        check_choice(self.approximation, "approximation", _APPROXIMATIONS)
        if self.approximation in ("nystrom", "features") and not self._may_approximate:
            raise InputError(
                f"approximation={self.approximation!r} with ridge={self.ridge!r} and "
                f"null={self.null!r}; expected ridge='likelihood' and null='gamma'. Use "
                "approximation='exact'."
            )
        if self.approximation == "features" and self.width != "median":
            raise InputError(
                f"approximation='features' with width={self.width!r}; expected width='median', as "
                "random functions have. Use approximation='nystrom'."
            )

    @property
    def _may_approximate(self) -> bool:
        return self.ridge == "likelihood" and self.null == "gamma"

    def bind(self, table: Table) -> BoundTest:
        """Check the table and factor the kernel of each column.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells or constant columns.
        """
        return self.bind_groups(table)

    def bind_groups(
        self, table: Table, groups: Mapping[Name, tuple[Name, ...]] | None = None
    ) -> BoundTest:
        """Bind to groups of columns; the kernels of a group are multiplied."""
        if self.approximation == "features":
            return RCIT().bind_groups(table, groups)
        blocks = blocks_of(table, who="KCI", groups=groups)
        large = table.n_rows > _EXACT_UP_TO and self._may_approximate
        if self.approximation == "nystrom" or (self.approximation == "auto" and large):
            return BoundNystrom(blocks, self.width)
        return BoundKCI(blocks, self.width, self.ridge, self.null)


def _check_width(width: Any) -> None:
    if width == "median":
        return
    if isinstance(width, str):
        raise InputError(f"width={width!r}; expected 'median' or a number above 0. Try 1.0.")
    check_positive(width, "width")
