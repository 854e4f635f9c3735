"""Random features: a handful of waves whose products are, on average, a Gaussian kernel.

A Gaussian kernel is the average of ``cos(w'(a - b))`` over normal frequencies w (Bochner, Rahimi
and Recht 2007), so a few sines and cosines are explicit functions of a variable that stand for it,
and a test works on n times m numbers instead of n times n. Waves come in pairs, a sine and a cosine
of one frequency: with random phases instead, a few may all be even, and blind to what rises or
falls.

**Draws belong to columns, by name.** Frequencies come from a stream that the seed and the name of
the column determine, so neither the order of columns nor the company that a column keeps changes an
answer. They are stratified (one in each m-th of the normal distribution, in random order), so that
even three of them hold slow and fast waves.

**Categories need no chance.** The kernel that is 1 where levels agree is exactly what indicators of
the levels give. Of more than 100 combinations of levels, random signs stand for the indicators.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import numpy as np
from scipy.special import ndtri

from causalkit.independence.kernel_matrices import Block
from causalkit.typing import FloatArray, Name

__all__ = ["cosines", "draw_frequencies", "random_features", "random_functions", "stream_of"]

_MOST_CELLS: Final = 100


def stream_of(names: Sequence[Name], what: str, random_state: int) -> np.random.Generator:
    """Return the random stream of some columns, whatever their order."""
    spelled = "\n".join([what, *sorted(map(repr, names))])
    words = np.frombuffer(sha256(spelled.encode()).digest(), dtype=np.uint32)
    return np.random.default_rng([random_state, *words.tolist()])


def draw_frequencies(name: Name, m: int, random_state: int, what: str = "own") -> FloatArray:
    """Normal frequencies of one column, one in each m-th of the distribution of their size."""
    rng = stream_of((name,), what, random_state)
    size = ndtri(0.5 + _strata(m, rng) / 2.0)
    return np.asarray(size * rng.choice([-1.0, 1.0], m))


def _strata(m: int, rng: np.random.Generator) -> FloatArray:
    return np.asarray((rng.permutation(m) + rng.random(m)) / m)


def cosines(angles: FloatArray) -> FloatArray:
    """Cosines to seven digits, which are much quicker than sixteen."""
    turns = angles * (0.5 / np.pi)
    turns -= np.rint(turns)
    quick: FloatArray = np.cos((turns * (2.0 * np.pi)).astype(np.float32)).astype(np.float64)
    return quick


def random_features(
    block: Block, names: Sequence[Name], numeric: Sequence[Name], width: float, m: int, seed: int
) -> FloatArray:
    """Features L of a variable with LL' roughly its kernel.

    Parameters
    ----------
    block : Block
        The variable.
    names, numeric : sequences of names
        Its columns, and those that are numbers.
    width : float
        Of the Gaussian.
    m : int
        Waves; each comes once for each combination of levels, if there are categories too.
    seed : int

    Returns
    -------
    ndarray of shape (n_rows, ·)
    """
    if not block.n_numbers:
        return _cells(block, names, _MOST_CELLS, seed)
    waves = _waves(block, numeric, width, m, seed, "own")
    if block.n_cells == 1:
        return waves
    levels = _cells(block, names, max(1, _MOST_CELLS // m), seed)
    return np.asarray((waves[:, :, None] * levels[:, None, :]).reshape(block.n_rows, -1))


def random_functions(
    block: Block, names: Sequence[Name], numeric: Sequence[Name], width: float, m: int, seed: int
) -> FloatArray:
    """Exactly m functions C of a set with CC' roughly its kernel, shape (n_rows, m)."""
    found = np.full((block.n_rows, m), 1.0 / np.sqrt(m))
    if block.n_numbers:
        found = _waves(block, numeric, width, m, seed, "given")
    if block.n_cells > 1:
        found = found * _signs(block, names, m, seed, "given")
    return found


def _waves(
    block: Block, numeric: Sequence[Name], width: float, m: int, seed: int, what: str
) -> FloatArray:
    q = (m + 1) // 2
    W = np.array([draw_frequencies(name, q, seed, what) for name in numeric])
    angles = block.numbers @ (W / width)
    waves = np.hstack([cosines(angles - np.pi / 2.0), cosines(angles)])
    return np.asarray(waves[:, :m] / np.sqrt(q))


def _cells(block: Block, names: Sequence[Name], most: int, seed: int) -> FloatArray:
    if block.n_cells <= most:
        return np.asarray(block.cells[:, None] == np.arange(block.n_cells), dtype=np.float64)
    return np.asarray(_signs(block, names, most, seed, "own") / np.sqrt(most))


def _signs(block: Block, names: Sequence[Name], m: int, seed: int, what: str) -> FloatArray:
    rng = stream_of(names, f"{what} signs", seed)
    signs = rng.choice(np.array([-1.0, 1.0]), (block.n_cells, m))
    return np.asarray(signs[block.cells], dtype=np.float64)
