"""Regression of many targets on one set of variables, each as smooth as its own data say.

A kernel test compares what a set Z leaves of features of x with what it leaves of features of y.
What is regressed away too little stays in both residuals, and the test finds a dependence that Z
explains. A fixed width and ridge do just that: with three variables in Z, released tests reject
true independence in 10 % of all tables at a level of 5 %, and more with more rows. Four things
hold the level here.

**Each target has its own width and ridge.** Features of one x differ: its mean given Z may be a
slow curve and its square twice as fast. Kernel ridge regression is the mean of a Gaussian process,
so the marginal likelihood says how well a pair of width w and ridge λ explains a target f::

    2 log likelihood = -(n-1) log f'(K_w + λ)⁻¹f - log |K_w + λ| + const

(the scale of the process is maximised out). With K_w = UMU', both terms are sums over eigenvalues
μ, so after one decomposition for each width all ridges and all targets cost one matrix product.

**Directions that matter count more.** In three dimensions a few hundred rows are far apart, and no
round kernel follows a curve along one direction. Gradients of a first round of fits say which
directions the targets vary along; with G their average outer product, the candidates are tried
once more on G½ z (as in recursive feature machines). Without this, true independence given three
heavy-tailed variables is rejected in 15 % of tables of 300 rows, with it in 5 %.

**Residuals are smoothed again and that is taken away, too** (Tukey's twicing). What is optimal for
prediction trades bias for variance, but bias is what makes a test wrong. With h = μ/(μ+λ), ridge
regression leaves 1-h of each component and twicing (1-h)²; the bias falls from the order of λ to
λ², for a few more degrees of freedom.

**Degrees of freedom are counted.** If the same smoother M is applied to both, residuals r = Mε and
s = Mη have E (r's)² = tr(M⁴), while the sum of r²s², from which the null distribution is
estimated, has about tr(M²)²/n on average, which is less: :func:`inflation` is the quotient. (In
linear regression on d columns, it is n/(n-d).)

References
----------
Tukey (1977), "Exploratory Data Analysis", Addison-Wesley, for twicing. Radhakrishnan, Beaglehole,
Pandit and Belkin (2024), "Mechanism for feature learning in neural networks and
backpropagation-free machine learning models", doi:10.1126/science.adi5639, for the directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from causalkit.independence.eigen_ridge import RIDGES, losses, share_taken
from causalkit.independence.kernel_matrices import Block, centred, factor
from causalkit.typing import FloatArray, IntArray

__all__ = ["Basis", "Residuals", "Smoother", "inflation"]

WIDTHS: Final = (3.2, 1.8, 1.0, 0.6, 0.35)
"""Candidates, in standard deviations times the square root of the number of columns."""

_ALL_DIRECTIONS: Final = 0.05
"""Share of the average squared slope that a direction without any counts for."""

_TOLERANCE: Final = 1e-5
_MOST_COLUMNS: Final = 300
_FIRST_COLUMNS: Final = 100
_ROUNDING: Final = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """One candidate kernel matrix K = LL', centred.

    Attributes
    ----------
    vectors, values : ndarrays of shapes (n, r) and (r,)
        Eigenvectors and eigenvalues.
    slopes : ndarray of shape (n, q)
        The part of the factor that varies with the numbers, as it is.
    width : float
    """

    vectors: FloatArray
    values: FloatArray
    slopes: FloatArray
    width: float


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """What a set of variables leaves of some targets.

    Attributes
    ----------
    values : ndarray of shape (n_rows, m)
        Residuals of the targets.
    taken : tuple of (ndarray of shape (n_rows, r), ndarray of shape (r,))
        Eigenvectors of the kernels that were chosen, and how much of the square of each is taken
        out of noise, 1 - (1-h)⁴, averaged over targets in proportion to what is left of them.
    """

    values: FloatArray
    taken: tuple[tuple[FloatArray, FloatArray], ...]

    @property
    def freedom(self) -> float:
        """Trace of the average squared residual maker, in rows."""
        return len(self.values) - 1.0 - float(sum(part.sum() for _, part in self.taken))


class _Fit(NamedTuple):
    """The targets that chose a kernel, with the ridge of each."""

    basis: Basis
    targets: IntArray
    ridges: FloatArray


class _Candidates:
    """Candidate kernels of a set, from wide to narrow, each decomposed when it is asked for."""

    def __init__(self, block: Block, max_rank: int) -> None:
        self.block, self.max_rank = block, max(1, min(block.n_rows // 2, max_rank))
        d, n = block.n_numbers, block.n_rows
        self.widths = (np.sqrt(d) * np.array(WIDTHS)).tolist() if d else [1.0]
        self._found: dict[int, tuple[Basis, ...]] = {}
        one_curve = Block(block.numbers, np.zeros_like(block.cells), 1)
        self._kinds = [one_curve] if block.n_cells == 1 else [one_curve, block]
        self._levels = np.empty((n, 0))
        if block.n_cells > 1:
            levels = Block(np.empty((n, 0)), block.cells, block.n_cells)
            self._levels = factor(levels, 1.0, max_rank=self.max_rank)

    def of(self, k: int) -> tuple[Basis, ...]:
        """Candidates of one width: one, or two if there are numbers and categories."""
        if k not in self._found:
            self._found[k] = self._decompose(self.widths[k])
        return self._found[k]

    def _decompose(self, width: float) -> tuple[Basis, ...]:
        if not self.block.n_numbers:
            return (_basis(np.empty((self.block.n_rows, 0)), self._levels, width),)
        return tuple(
            _basis(
                factor(kind, width, tolerance=_TOLERANCE, max_rank=self.max_rank),
                self._levels,
                width,
            )
            for kind in self._kinds
        )

    def fits(self, F: FloatArray) -> list[_Fit]:
        """Choose a kernel and a ridge for each target by marginal likelihood.

        The likelihood rises and falls with the width, so a width that is best for no target ends
        the search.
        """
        squares = np.einsum("ij,ij->j", F, F)
        smallest = np.full(F.shape[1], np.inf)
        chosen: list[Basis | None] = [None] * F.shape[1]
        ridges = np.empty(F.shape[1])
        for k in range(len(self.widths)):
            better = np.zeros(F.shape[1], dtype=np.bool_)
            for basis in self.of(k):
                found = losses(squares, basis.vectors.T @ F, basis.values, len(F))
                least = found.min(axis=1)
                mine = least < smallest
                ridges[mine] = RIDGES[found.argmin(axis=1)[mine]]
                smallest[mine] = least[mine]
                for t in np.flatnonzero(mine):
                    chosen[t] = basis
                better |= mine
            if not better.any():
                break
        fits = []
        for basis in dict.fromkeys(b for b in chosen if b is not None):
            mine = np.flatnonzero([b is basis for b in chosen])
            fits.append(_Fit(basis, mine, ridges[mine]))
        return fits


class Smoother:
    """Kernel ridge regressions on one set, ready for any target.

    Parameters
    ----------
    block : Block
        The set. With numbers and categories in it, each candidate width comes twice: one curve
        for all categories with a level for each, and a curve for each.
    max_rank : int
        Eigenvectors of each candidate at most.
    """

    def __init__(self, block: Block, *, max_rank: int = _MOST_COLUMNS) -> None:
        self.block, self.max_rank = block, max_rank
        # If directions are going to be weighted, the first round only has to find them.
        turned = block.n_numbers > 1
        self._round = _Candidates(block, min(max_rank, _FIRST_COLUMNS) if turned else max_rank)

    def residuals(self, targets: FloatArray) -> Residuals:
        """Take from each target what the set explains.

        Parameters
        ----------
        targets : ndarray of shape (n_rows, m)
            Centred here.
        """
        F = centred(targets)
        fits = self._round.fits(F)
        if self.block.n_numbers > 1:
            root = _metric_root(self.block.numbers, F, fits)
            turned = Block(self.block.numbers @ root, self.block.cells, self.block.n_cells)
            fits = _Candidates(turned, self.max_rank).fits(F)
        left, used = F.copy(), []
        for basis, mine, ridges in fits:
            taken = share_taken(basis.values, ridges)
            left[:, mine] -= basis.vectors @ (taken * (basis.vectors.T @ F[:, mine]))
            used.append((basis.vectors, taken, mine))
        weights = np.einsum("ij,ij->j", left, left)
        weights /= max(float(weights.sum()), np.finfo(float).tiny)
        counted = [(U, (1.0 - (1.0 - taken) ** 2) @ weights[mine]) for U, taken, mine in used]
        return Residuals(left, tuple(counted))

    @property
    def nbytes(self) -> int:
        """Bytes that this may come to weigh."""
        d, n = self.block.n_numbers, self.block.n_rows
        columns = min(n // 2, _FIRST_COLUMNS if d > 1 or self.block.n_cells == 1 else self.max_rank)
        kinds = 1 if self.block.n_cells == 1 else 2
        return 16 * n * columns * kinds * len(WIDTHS)


def _metric_root(Z: FloatArray, F: FloatArray, fits: Sequence[_Fit]) -> FloatArray:
    """Root of the average outer product of gradients of all regressions.

    A fit is f(z) = Σ_j a_j k(z, z_j) with a = (f - Hf)/λ, so its gradient at z_i is
    Σ_j a_j k_ij (z_j - z_i) / w².
    """
    d = Z.shape[1]
    outer = np.zeros((d, d))
    for basis, mine, ridges in fits:
        share = basis.values[:, None] / (basis.values[:, None] + ridges)
        fitted = basis.vectors @ (share * (basis.vectors.T @ F[:, mine]))
        a = (F[:, mine] - fitted) / ridges
        K = basis.slopes
        base = K @ (K.T @ a)
        slopes = np.stack([K @ (K.T @ (a * z[:, None])) - z[:, None] * base for z in Z.T])
        slopes = slopes.reshape(d, -1) / basis.width**2
        outer += slopes @ slopes.T
    outer *= d / max(float(np.trace(outer)), np.finfo(float).tiny)
    outer[np.diag_indices(d)] += _ALL_DIRECTIONS
    values, V = np.linalg.eigh(outer)
    return np.asarray((V * np.sqrt(values)) @ V.T)


def _basis(slopes: FloatArray, levels: FloatArray, width: float) -> Basis:
    L = centred(np.hstack([slopes, levels]))
    values, V = np.linalg.eigh(L.T @ L)
    sound = values > _ROUNDING * max(values[-1], 1.0)
    values = values[sound]
    return Basis((L @ V[:, sound]) / np.sqrt(values), values, slopes, width)


def inflation(one: Residuals, two: Residuals) -> float:
    """Expected square of a product of residuals, by what their squares suggest; 1 or more."""
    n = len(one.values)
    shared = 0.0
    for U, mine in one.taken:
        for V, others in two.taken:
            # Jobs may have come to the same basis twice.
            same = U is V or np.array_equal(U, V)
            shared += float(mine @ others if same else mine @ (U.T @ V) ** 2 @ others)
    products = one.freedom + two.freedom - (n - 1.0) + shared
    expected = one.freedom * two.freedom / n
    return max(1.0, products / expected) if expected > 0 else 1.0
