"""Categories with a probability for each configuration of their causes, and Gumbel noise.

The category with the largest log p + g, for independent Gumbel g, is category y with probability
p(y): the Gumbel-max trick. So the noise of a table is one g for each level, the same for all
configurations, and a counterfactual asks which level would have won elsewhere: what was observed
stays unless another level became more likely relative to it (counterfactual stability, Oberst &
Sontag 2019). Other noises have the same probabilities and other counterfactuals; this is a choice.

The noise given what was observed is drawn exactly. The largest sum is a Gumbel of its own,
whoever wins; the others are Gumbels cut off below it.

Causes and values are level codes 0, 1, 2, ... as floats.

References
----------
Maddison, Tarlow & Minka (2014), Advances in Neural Information Processing Systems 27 (A*
sampling). arXiv:1411.0030
Oberst & Sontag (2019), Proc. ICML, PMLR 97, 4881-4890. arXiv:1905.05824
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from causalkit._core.checks import check_count, check_positive
from causalkit.errors import InputError
from causalkit.typing import FloatArray, IntArray

__all__ = ["Table", "fit_table", "largest", "posterior_gumbel"]

_MOST_CELLS: Final = 5_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A category whose probabilities are looked up by the configuration of its causes.

    Attributes
    ----------
    probabilities : ndarray of shape (n_1, ..., n_k, K)
        By level of each cause; each row sums to one.

    Notes
    -----
    **Assumes:** for counterfactuals, that the noise is Gumbel (see the module); probabilities and
    interventions are the same whatever the noise.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rain = Table(np.array([[0.9, 0.1], [0.2, 0.8]]))  # by one cause with two levels
    >>> causes = np.repeat([[0.0], [1.0]], 5000, axis=0)
    >>> noise = rain.draw(10_000, rng)
    >>> wet = rain.value(causes, noise)
    >>> [round(float(wet[causes[:, 0] == level].mean()), 1) for level in (0, 1)]
    [0.1, 0.8]
    >>> again = rain.noise(causes, wet, rng)
    >>> bool((rain.value(causes, again) == wet).all())
    True
    """

    probabilities: FloatArray
    bijective: ClassVar[bool] = False

    def __post_init__(self) -> None:
        p = self.probabilities
        if not p.ndim or not p.size or (p < 0).any() or not np.allclose(p.sum(axis=-1), 1.0):
            raise InputError(
                f"probabilities of shape {p.shape} that are no shares; expected numbers of at "
                "least 0 that sum to 1 along the last axis, the levels. Divide them by their sums."
            )

    @property
    def n_levels(self) -> int:
        """Levels of the category."""
        return int(self.probabilities.shape[-1])

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw Gumbel noise, shape (n, K)."""
        return rng.gumbel(size=(n, self.n_levels))

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Level with the largest log probability plus noise, shape (n,)."""
        return largest(self.log_probabilities(causes), noise)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw noise, shape (n, K), that gives these levels."""
        return posterior_gumbel(self.log_probabilities(causes), value, rng)

    def log_probability(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log probability of levels of shape (n,)."""
        level = _as_codes(value[:, None], (self.n_levels,), "the value")[:, 0]
        logs: FloatArray = self.log_probabilities(causes)[np.arange(len(level)), level]
        return logs

    def log_probabilities(self, causes: FloatArray) -> FloatArray:
        """Log probability of each level, shape (n, K)."""
        sizes = self.probabilities.shape[:-1]
        codes = _as_codes(causes, sizes, "causes")
        rows = self.probabilities.reshape(-1, self.n_levels)[_cells(codes, sizes)]
        with np.errstate(divide="ignore"):
            logs: FloatArray = np.log(rows)
        return logs


def fit_table(
    causes: FloatArray, y: FloatArray, n_levels: Sequence[int], *, prior: float = 1.0
) -> Table:
    """Fit a table by counts, smoothed towards the shares of the category in all rows.

    A configuration with m rows, of which a share s is of some level, gives that level probability
    (m s + prior * r) / (m + prior), where r is its share in all rows (smoothed the same way
    towards equal shares). So no probability is zero, and a configuration without rows takes the
    shares of all.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
        Level codes; k may be 0.
    y : ndarray of shape (n,)
        Level codes.
    n_levels : sequence of int, length k + 1
        How many levels each cause has, and last the category.
    prior : float
        How many rows the shares of all rows weigh, above 0.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If a code is none of its levels, or the table would have more than five million cells.

    Examples
    --------
    >>> y = np.array([0.0, 0.0, 1.0, 1.0])
    >>> fit_table(y[:, None], y, (2, 2), prior=1.0).probabilities.round(3)
    array([[0.833, 0.167],
           [0.167, 0.833]])
    """
    check_positive(prior, "prior")
    sizes = tuple(check_count(size, "n_levels") for size in n_levels)
    if len(sizes) != causes.shape[1] + 1:
        raise InputError(
            f"n_levels has {len(sizes)} entries for {causes.shape[1]} cause(s); expected one for "
            "each cause and a last one for y."
        )
    n_cells = np.prod(np.array(sizes, dtype=np.float64))
    if n_cells > _MOST_CELLS:
        raise InputError(
            f"a table of {n_cells:.3g} cells; expected at most {_MOST_CELLS:,}. Merge levels, "
            "leave out causes, or fit_softmax instead."
        )
    given = _cells(_as_codes(causes, sizes[:-1], "causes"), sizes[:-1])
    own = _as_codes(y[:, None], sizes[-1:], "y")[:, 0]
    n_given, n_own = int(np.prod(sizes[:-1], dtype=np.intp)), sizes[-1]
    counts = np.bincount(given * n_own + own, minlength=n_given * n_own).astype(np.float64)
    counts = counts.reshape(n_given, n_own)
    shares = (counts.sum(axis=0) + prior / n_own) / (len(y) + prior)
    smoothed = (counts + prior * shares) / (counts.sum(axis=1, keepdims=True) + prior)
    return Table(smoothed.reshape(sizes))


def largest(scores: FloatArray, noise: FloatArray) -> FloatArray:
    """Where score plus noise is largest, as floats of shape (n,).

    Parameters
    ----------
    scores, noise : ndarray of shape (n, K)
    """
    levels: FloatArray = (scores + noise).argmax(axis=1).astype(np.float64)
    return levels


def posterior_gumbel(scores: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw Gumbel noise under which score plus noise is largest at `value`.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Up to a constant in each row; −inf where a level cannot occur.
    value : ndarray of shape (n,)
        Level codes.
    rng : Generator

    Returns
    -------
    ndarray of shape (n, K)
        Its law, for values that were drawn, is that of independent Gumbels.

    Raises
    ------
    InputError
        If a value has probability zero given its causes.
    """
    n, n_levels = scores.shape
    own = _as_codes(value[:, None], (n_levels,), "the value")[:, 0]
    rows = np.arange(n)
    impossible = np.isneginf(scores[rows, own])
    if impossible.any():
        raise InputError(
            f"{int(impossible.sum())} value(s), the first in row {int(impossible.argmax())}, have "
            "probability zero given their causes; expected values that the mechanism can give. "
            "Smooth the table, e.g. fit_table(..., prior=1)."
        )
    highest = scores.max(axis=1)
    total = np.log(np.exp(scores - highest[:, None]).sum(axis=1)) + highest
    top = total + rng.gumbel(size=n)  # the largest sum, whoever wins
    fresh = rng.gumbel(size=(n, n_levels))
    # A Gumbel about the score, cut off at the top. A level that cannot occur keeps fresh noise.
    can = np.isfinite(scores)
    moved = np.where(can, scores, 0.0)
    noise = -np.logaddexp(-fresh, moved - top[:, None])
    noise = np.where(can, noise, fresh)
    noise[rows, own] = top - scores[rows, own]
    return _settled(scores, noise, own)


def _settled(scores: FloatArray, noise: FloatArray, own: IntArray) -> FloatArray:
    """Lower by rounding errors what rounding put level with the largest sum, or above it."""
    rows = np.arange(len(own))
    while True:
        sums = scores + noise
        best = sums[rows, own][:, None]
        over = sums >= best
        over[rows, own] = False
        if not over.any():
            return noise
        step = 4 * np.spacing(np.abs(sums[over]) + np.abs(noise[over]))
        noise[over] -= step + (sums - best)[over]


def _as_codes(values: FloatArray, sizes: Sequence[int], what: str) -> IntArray:
    """Level codes as integers, refused where they are none."""
    with np.errstate(invalid="ignore"):  # NaN is refused below
        codes = values.astype(np.intp)
    if values.size and ((codes != values) | (codes < 0) | (codes >= np.asarray(sizes))).any():
        raise InputError(
            f"{what} hold values from {values.min():g} to {values.max():g}; expected level codes "
            f"0, 1, ... below {list(map(int, sizes))}. Recode levels, and set a category to one "
            "of its codes."
        )
    return codes


def _cells(codes: IntArray, sizes: Sequence[int]) -> IntArray:
    """Number of the configuration of each row."""
    cells = np.zeros(len(codes), dtype=np.intp)
    for column, size in zip(codes.T, sizes, strict=True):
        cells = cells * size + column
    return cells
