"""The classifier two-sample test: can anything tell a synthetic window from a real one.

Several classifiers learn on half of the blocks to tell the two apart and are judged on the other
half, and the other way round. The area under the ROC curve is the chance that of one real and one
synthetic window the real one is told: .5 where the two are alike, 1 where they never are. Each
classifier sees something else: boosting thresholds and how they interact, the logistic regression
levels and changes, with squares also spread, the quadratic discriminant everything that second
moments say (also across series and lags), the neighbours local clumps.

What counts is the best of them, and the best of several is above .5 by chance alone. So the same
is done with real windows in the place of the synthetic ones: blocks of the real data are dealt into
four hands, real and "synthetic", to learn on and to be judged on. All deals are equally likely, so
that no hand is nearer to one than to another, and what comes out is what a perfect generator gets.

References
----------
Lopez-Paz & Oquab (2017), "Revisiting classifier two-sample tests". doi:10.48550/arXiv.1610.06545
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from causalkit._core.random import draw_seed
from causalkit.models.fidelity.classifiers import CLASSIFIERS
from causalkit.models.fidelity.paired_samples import Windows
from causalkit.typing import FloatArray, IntArray

__all__ = ["TwoSample", "two_sample_test"]

_BOOTSTRAPS: Final = 500
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class TwoSample:
    """What classifiers made of real and synthetic windows.

    Attributes
    ----------
    aucs : Mapping of str to float
        By classifier: the area under the ROC curve on blocks that it had not seen.
    best : str
        Classifier with the highest one.
    interval : tuple of float
        Of that one: 95% bootstrap interval over blocks, the classifiers as they are.
    null_aucs : Mapping of str to float
        By classifier: the same with real data against real data, mean over deals.
    null_range : tuple of float
        Lowest and highest AUC of the best classifier over these deals; NaN without any.
    n_windows : tuple of int
        Real and synthetic windows.
    n_blocks : tuple of int
        Real and synthetic blocks.
    """

    aucs: Mapping[str, float]
    best: str
    interval: tuple[float, float]
    null_aucs: Mapping[str, float]
    null_range: tuple[float, float]
    n_windows: tuple[int, int]
    n_blocks: tuple[int, int]

    @property
    def auc(self) -> float:
        """The highest area under the ROC curve of any classifier."""
        return self.aucs[self.best]

    @property
    def null_auc(self) -> float:
        """The highest one with real data against real data: what chance and choice explain."""
        return max(self.null_aucs.values())

    @property
    def excess(self) -> float:
        """How much more easily synthetic data are told than other real data: `auc - null_auc`."""
        return self.auc - self.null_auc


def two_sample_test(
    real: Windows,
    synthetic: Windows,
    *,
    classifiers: tuple[str, ...],
    n_null: int,
    rng: np.random.Generator,
) -> TwoSample:
    """Compare windows by the best of several classifiers.

    Parameters
    ----------
    real, synthetic : Windows
        Of at least four blocks each.
    classifiers : tuple of str
        Names among `CLASSIFIERS`.
    n_null : int
        Deals of the real blocks for the comparison of real with real.
    rng : Generator
    """
    deal_rng, seed_rng, boot_rng, *null_rngs = rng.spawn(3 + n_null)
    seed = draw_seed(seed_rng)
    hands = (_dealt(real.n_blocks, 2, deal_rng), _dealt(synthetic.n_blocks, 2, deal_rng))
    wins = _crossed(_featured(real), _featured(synthetic), hands, classifiers, seed)
    aucs = {name: float(_shares(won)) for name, won in wins.items()}
    best = max(aucs, key=aucs.__getitem__)
    return TwoSample(
        aucs,
        best,
        _interval(wins[best], boot_rng),
        *_null(real, classifiers, seed, null_rngs),
        (len(real.block), len(synthetic.block)),
        (real.n_blocks, synthetic.n_blocks),
    )


def _null(
    real: Windows, classifiers: tuple[str, ...], seed: int, rngs: list[np.random.Generator]
) -> tuple[dict[str, float], tuple[float, float]]:
    """Mean AUC by classifier, and the range of the best of them over deals."""
    found: dict[str, list[float]] = {name: [] for name in classifiers}
    for rng in rngs:
        hand = _dealt(real.n_blocks, 4, rng)
        for name, auc in _real_against_real(real, hand, classifiers, seed).items():
            found[name].append(auc)
    if not rngs:
        return dict.fromkeys(classifiers, np.nan), (np.nan, np.nan)
    best = np.array(list(found.values())).max(axis=0)
    means = {name: float(np.mean(values)) for name, values in found.items()}
    return means, (float(best.min()), float(best.max()))


def _real_against_real(
    real: Windows, hand: IntArray, classifiers: tuple[str, ...], seed: int
) -> dict[str, float]:
    """AUC of hands 0 and 1 against 2 and 3; odd hands judge what even ones taught, and vice versa.

    Exchange hands 0 and 2, and a classifier that treats both classes alike learns the opposite: its
    AUC becomes one less what it was. As every deal has such a twin, .5 is the mean over all deals.
    """
    sides = [real.take(np.flatnonzero(hand[real.block] // 2 == k)) for k in (0, 1)]
    hands = (hand[hand // 2 == 0] % 2, hand[hand // 2 == 1] % 2)
    wins = _crossed(_featured(sides[0]), _featured(sides[1]), hands, classifiers, seed)
    return {name: float(_shares(won)) for name, won in wins.items()}


def _dealt(n_blocks: int, n_hands: int, rng: np.random.Generator) -> IntArray:
    """Hand of each block: each run of `n_hands` blocks holds every hand once, in random order."""
    rounds = [rng.permutation(n_hands) for _ in range(-(-n_blocks // n_hands))]
    return np.concatenate(rounds)[:n_blocks]


@dataclass(frozen=True, slots=True, eq=False)
class _Featured:
    """Levels and changes of each window, and its block."""

    rows: FloatArray
    block: IntArray


def _featured(windows: Windows) -> _Featured:
    values = windows.values
    changes = np.diff(values, axis=1).reshape(len(values), -1)
    return _Featured(np.hstack([windows.flat(), changes]), windows.block)


@dataclass(frozen=True, slots=True, eq=False)
class _Wins:
    """Between each real and each synthetic block that are judged together.

    Attributes
    ----------
    won : ndarray of shape (n_real_blocks, n_synthetic_blocks)
        Pairs of windows of which the real one has the higher score; ties are halves.
    pairs : ndarray of the same shape
        Pairs of windows; 0 of blocks that are not judged together.
    """

    won: FloatArray
    pairs: FloatArray


def _crossed(
    real: _Featured,
    synthetic: _Featured,
    hands: tuple[IntArray, IntArray],
    classifiers: tuple[str, ...],
    seed: int,
) -> dict[str, _Wins]:
    """Learn on one hand and judge on the other, both ways."""
    shape = (len(hands[0]), len(hands[1]))
    wins = {name: _Wins(np.zeros(shape), np.zeros(shape)) for name in classifiers}
    sides = (real, synthetic)
    for tested in (0, 1):
        at_test = [hand[side.block] == tested for side, hand in zip(sides, hands, strict=True)]
        learn = np.vstack([side.rows[~at] for side, at in zip(sides, at_test, strict=True)])
        is_real = np.repeat([1.0, 0.0], [(~at).sum() for at in at_test])
        test = np.vstack([side.rows[at] for side, at in zip(sides, at_test, strict=True)])
        blocks = [side.block[at] for side, at in zip(sides, at_test, strict=True)]
        if min(map(len, blocks)) == 0 or len(np.unique(is_real)) < 2:
            continue
        for name in classifiers:
            score = CLASSIFIERS[name](learn, is_real, test, seed)
            n = len(blocks[0])
            _count(wins[name], score[:n], blocks[0], score[n:], blocks[1])
    return wins


def _count(wins: _Wins, real: FloatArray, at: IntArray, other: FloatArray, by: IntArray) -> None:
    """Add the pairs of one hand, block by block."""
    shape = wins.won.shape
    sizes = np.bincount(at, minlength=shape[0])
    for block in np.unique(by).tolist():
        ordered = np.sort(other[by == block])
        below = np.searchsorted(ordered, real, "left") + np.searchsorted(ordered, real, "right")
        wins.won[:, block] += np.bincount(at, weights=0.5 * below, minlength=shape[0])
        wins.pairs[:, block] += sizes * len(ordered)


def _shares(
    wins: _Wins, real: FloatArray | None = None, synthetic: FloatArray | None = None
) -> FloatArray:
    """Share of pairs that are won; blocks counted as often as the weights (n, n_blocks) say."""
    if real is None or synthetic is None:
        return np.asarray(wins.won.sum() / max(wins.pairs.sum(), 1.0))
    won = np.einsum("ka,ab,kb->k", real, wins.won, synthetic, optimize=True)
    pairs = np.einsum("ka,ab,kb->k", real, wins.pairs, synthetic, optimize=True)
    return np.asarray(won / np.maximum(pairs, 1.0))


def _interval(wins: _Wins, rng: np.random.Generator) -> tuple[float, float]:
    weights = [rng.multinomial(n, np.full(n, 1 / n), size=_BOOTSTRAPS) for n in wins.won.shape]
    shares = _shares(wins, weights[0].astype(np.float64), weights[1].astype(np.float64))
    low, high = np.quantile(shares, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)
