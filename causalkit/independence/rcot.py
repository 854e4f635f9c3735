"""Randomised tests: what KCI asks, of a handful of random functions, in milliseconds.

:class:`RCoT` takes five random functions of x and five of y, takes out of each what the set Z
explains of it, and asks whether any of the 25 pairs of residuals is correlated. :class:`RCIT`
multiplies each pair by five random functions of Z, so that it also sees a covariance that is
positive at some values of Z and negative at others, where RCoT sees its average only; in return it
has less power where the covariance keeps its sign, which is the usual case.

**The level.** As published, functions of x and y are regressed on 25 random cosines of all of Z
(100 in later software) with one width and a tiny ridge. A hundred random waves in three dimensions
are too few: at 1000 rows, true independence given three variables was rejected in 29 % of 150
tables even with the best ridges. Here regressions are those of
:mod:`~causalkit.independence.landmarks`, on up to 120 landmarks, with a ridge for every function by
marginal likelihood, so the randomness is in x and y only.

**The functions.** As published, five random cosines stand for x. Which five is a matter of luck,
and they may overlook what a line or a parabola would see. Here they are the five leading principal
components of fifty random waves: much the same for every seed.

**The null distribution.** With P the products of residuals, shape (n, 25), the statistic is
``|Σ_i P_i|²``. Mean, variance and third cumulant under random signs of the rows of P give a shifted
gamma distribution (Buckley and Eagleson).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.memory import ByteCache
from causalkit._core.table import Table
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.bound_kernel import BoundHSIC
from causalkit.independence.kernel_matrices import Block, blocks_of, centred, joined
from causalkit.independence.landmarks import (
    LeftOver,
    SetSmoother,
    check_left,
    inflation_between,
)
from causalkit.independence.null_distributions import sign_test, three_moment_tail
from causalkit.independence.nystrom import row_products, sampled_squares, typical_width
from causalkit.independence.random_features import random_features, random_functions
from causalkit.independence.search import CIResult, Screen
from causalkit.typing import FloatArray, Name

__all__ = ["RCIT", "BoundRandomized", "RCoT"]

_CACHE_BYTES: Final = 2**28
_WAVES: Final = 50
_MOST_CELLS: Final = 100
_MOST_PRODUCTS: Final = 400
"""Pairs of functions of which three moments are worth their cost."""


class _Randomized(CITest):
    """What both tests have in common: they bind features drawn by name."""

    __slots__ = ()

    n_features: int
    n_landmarks: int
    random_state: int

    def __post_init__(self) -> None:
        check_count(self.n_features, "n_features")
        check_count(self.n_landmarks, "n_landmarks", minimum=2)
        check_count(self.random_state, "random_state", minimum=0)

    def bind(self, table: Table) -> BoundRandomized:
        """Check the table and draw the features of each column.

        Raises
        ------
        InputError
            If there are fewer than 4 rows, missing cells or constant columns.
        """
        return self.bind_groups(table)

    def bind_groups(
        self, table: Table, groups: Mapping[Name, tuple[Name, ...]] | None = None
    ) -> BoundRandomized:
        """Bind to groups of columns; the kernels of a group are multiplied."""
        blocks = blocks_of(table, who=type(self).__name__, groups=groups)
        members = [(name,) for name in table.names] if groups is None else list(groups.values())
        numbers = {name for name in table.names if table.levels_of(name) is None}
        variables = [
            _Variable(block, tuple(names), tuple(name for name in names if name in numbers))
            for block, names in zip(blocks, members, strict=True)
        ]
        return BoundRandomized(variables, self)


@dataclass(frozen=True, slots=True)
class RCoT(_Randomized):
    """Randomised conditional correlation test: an approximation of :class:`KCI` for many rows.

    Parameters
    ----------
    n_features : int, default 5
        Functions of x, and of y. A category has the indicators of its levels.
    n_landmarks : int, default 120
        Rows on which regressions on numbers rest; an eighth of all, or 60, are enough. Beside a
        category they are 20 a level and at least twice as many. Fewer are quicker, and regress away
        less of what the set explains.
    random_state : int, default 0
        Seed of the frequencies, which are drawn for each column by its name.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - what a set explains is smooth; given numbers and a category of some 50 levels or more, or
      with fewer than some 60 rows a level and a curve for each, it is not, and true independence is
      rejected too often (:class:`RCIT` is less misled, :class:`KCI` least);
    - if x and y depend on each other given Z, random functions of them are correlated on average
      over Z (:class:`RCIT` does without that);
    - no cell is missing.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=1000)
    >>> x, y = np.sin(2 * z) + rng.normal(size=(2, 1000)) / 2
    >>> data = {"x": x, "y": y, "z": z}
    >>> RCoT().test(data, "x", "y").p_value < 1e-6
    True
    >>> RCoT().test(data, "x", "y", given="z").p_value > 0.05
    True

    References
    ----------
    Strobl, Zhang and Visweswaran (2019), "Approximate kernel-based conditional independence tests
    for fast non-parametric causal discovery", doi:10.1515/jci-2018-0017. Rahimi and Recht (2007),
    "Random features for large-scale kernel machines", NeurIPS 20.
    """

    n_features: int = 5
    n_landmarks: int = 120
    random_state: int = 0


@dataclass(frozen=True, slots=True)
class RCIT(_Randomized):
    """Randomised conditional independence test: :class:`RCoT` at every value of the set.

    Parameters
    ----------
    n_features : int, default 5
        Functions of x, of y, and of the set. A category has the indicators of its levels.
    n_landmarks : int, default 120
        Rows on which regressions on numbers rest.
    random_state : int, default 0
        Seed of the frequencies, which are drawn for each column by its name.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - what a set explains is smooth;
    - no cell is missing.

    As published, x is replaced by x and Z together before it is regressed; such functions are
    rougher in Z than those of x alone. Multiplying residuals by functions of Z afterwards comes to
    the same in the limit (Daudin 1980) and is what :class:`KCI` does.

    Examples
    --------
    >>> import numpy as np
    >>> x, z, noise = np.random.default_rng(0).normal(size=(3, 1000))
    >>> data = {"x": x, "y": x * z + noise, "z": z}  # x raises y only where z is positive
    >>> RCIT().test(data, "x", "y", given="z").p_value < 1e-6
    True

    References
    ----------
    Strobl, Zhang and Visweswaran (2019), "Approximate kernel-based conditional independence tests
    for fast non-parametric causal discovery", doi:10.1515/jci-2018-0017. Daudin (1980), "Partial
    association measures and an application to qualitative regression", doi:10.1093/biomet/67.3.581.
    """

    n_features: int = 5
    n_landmarks: int = 120
    random_state: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Variable:
    """A block and the names of its columns, of all and of those that are numbers."""

    block: Block
    names: tuple[Name, ...]
    numeric: tuple[Name, ...]


class BoundRandomized(BoundTest):
    """RCoT or RCIT of the variables of one table.

    Attributes
    ----------
    approximation : str
        What the answers rest on: "features".
    """

    __slots__ = (
        "_all",
        "_cache",
        "_found",
        "_rank",
        "approximation",
        "setting",
        "variables",
    )
    remembers: ClassVar[bool] = True

    def __init__(self, variables: Sequence[_Variable], setting: _Randomized) -> None:
        self.variables, self.setting = list(variables), setting
        self._found: list[FloatArray | None] = [None] * len(self.variables)
        self._all: BoundHSIC | None = None
        named = sorted(
            range(len(self.variables)), key=lambda k: list(map(repr, variables[k].names))
        )
        self._rank = {k: place for place, k in enumerate(named)}
        self._cache = ByteCache(_CACHE_BYTES)
        self.approximation = "features"

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether variables i and j are independent given the variables `given`."""
        if not len(given):
            return self._marginal()(i, j)
        chosen = tuple(sorted(map(int, given), key=self._rank.__getitem__))
        one, two = self._residuals(i, chosen), self._residuals(j, chosen)
        share = inflation_between(one, two)
        C = self._functions(chosen) if isinstance(self.setting, RCIT) else None
        return judge_products(one.values, two.values, C, share)

    def screen(self, alpha: float) -> Screen | None:
        """Ask about all pairs at once given nothing."""
        return self._marginal().screen(alpha)

    def _marginal(self) -> BoundHSIC:
        """The test given nothing."""
        if self._all is None:
            self._all = BoundHSIC.of_factors(map(self._features, range(len(self.variables))))
        return self._all

    def _features(self, k: int) -> FloatArray:
        """Functions of a variable, centred, drawn when they are first asked for."""
        found = self._found[k]
        if found is None:
            block, names, numeric = self._of(k)
            m, seed = self.setting.n_features, self.setting.random_state
            n_waves = _WAVES if block.n_cells == 1 else 2 * m
            width = typical_width(block, "median")
            waves = random_features(block, names, numeric, width, n_waves, seed)
            found = _leading(waves, max(m, min(m * block.n_cells, _MOST_CELLS)))
            self._found[k] = found
        return found

    def _of(self, k: int) -> tuple[Block, tuple[Name, ...], tuple[Name, ...]]:
        variable = self.variables[k]
        return variable.block, variable.names, variable.numeric

    def _set(self, given: tuple[int, ...]) -> Block:
        return joined([self.variables[k].block for k in given])

    def _residuals(self, k: int, given: tuple[int, ...]) -> LeftOver:
        found: LeftOver | None = self._cache.get((k, given))
        if found is None:
            smoother: SetSmoother | None = self._cache.get(given)
            if smoother is None:
                smoother = SetSmoother(self._set(given), self.setting.n_landmarks)
                self._cache.put(given, smoother)
            F = self._features(k)
            found = smoother.residuals(F)
            check_left(found, float(np.einsum("ij,ij->", F, F)))
            self._cache.put((k, given), found)
        return found

    def _functions(self, given: tuple[int, ...]) -> FloatArray:
        """Random functions of a set."""
        found: FloatArray | None = self._cache.get((given, "functions"))
        if found is None:
            Z = self._set(given)
            names = [name for k in given for name in self.variables[k].names]
            numeric = [name for k in given for name in self.variables[k].numeric]
            m, seed = self.setting.n_features, self.setting.random_state
            C = random_functions(Z, names, numeric, typical_width(Z, "median"), m, seed)
            found = self._cache.put((given, "functions"), C)
        return found


def _leading(F: FloatArray, m: int) -> FloatArray:
    """Leading principal components of features, with their variances, or all that there are."""
    if F.shape[1] > m:
        total = F.sum(axis=0)
        _, V = np.linalg.eigh(F.T @ F - np.outer(total, total / len(F)))
        F = F @ V[:, : -m - 1 : -1].copy()
    return centred(F)


def judge_products(A: FloatArray, B: FloatArray, C: FloatArray | None, share: float) -> CIResult:
    """Whether products of residuals A and B, and of functions C, have mean 0, by random signs."""
    n, wide = len(A), A.shape[1] * B.shape[1] > _MOST_PRODUCTS
    P = row_products(A, B)
    if C is not None and not wide:
        P = row_products(P, C)
    statistic = float(np.sum((P.sum(axis=0) if C is None or not wide else P.T @ C) ** 2))
    on_diagonal = np.einsum("ij,ij->i", P, P)
    if wide and C is not None:
        on_diagonal *= np.einsum("ij,ij->i", C, C)
    mean, third = float(on_diagonal.sum()) * share, 0.0
    if wide:
        squares = sampled_squares(A, B if C is None else row_products(B, C))
    else:
        G = P.T @ P
        squares = float(np.sum(G**2) - on_diagonal @ on_diagonal)
        # tr U³ without the diagonal D of U = PP': tr U³ - 3 tr DU² + 2 tr D³.
        cubes = float(np.sum(G * (G @ G))) + 2.0 * float(np.sum(on_diagonal**3))
        cubes -= 3.0 * float(on_diagonal @ np.einsum("ij,ij->i", P, P @ G))
        third = 8.0 * cubes * share**3
    variance = 2.0 * squares * share**2
    p_value = sign_test(statistic, mean, variance)
    if third > 0.0:
        p_value = three_moment_tail(statistic, mean, variance, third)
    return CIResult(statistic / n, p_value, n)
