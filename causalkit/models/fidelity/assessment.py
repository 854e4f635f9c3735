"""`assess_fidelity`: how like real data synthetic data are, by many measures and one fair test.

The fair test is whether the best of several classifiers can tell windows of one from windows of the
other on stretches that it has not seen, beside the same with real data only (see
:mod:`~causalkit.models.fidelity.two_sample`). The other measures say what is off: each variable's
distribution, correlations within a step and over lags, spectra, the kernel mean discrepancy,
whether a forecast learnt from the synthetic data holds on real ones, whether training data were
copied, and whether the right cells are missing.

A generator that is started from real steps, or redraws pieces of them, passes many such measures
without having learnt anything; so judge series that ran freely from a start that was forgotten, and
look at the copies. Nothing here says that a *causal* structure is right: two models with one joint
distribution and different graphs get the same report.

References
----------
Lopez-Paz & Oquab (2017), "Revisiting classifier two-sample tests". doi:10.48550/arXiv.1610.06545
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.errors import InputError
from causalkit.models.fidelity.classifiers import CLASSIFIERS
from causalkit.models.fidelity.copies import Copies, look_for_copies
from causalkit.models.fidelity.dependence import compare_dependence
from causalkit.models.fidelity.marginals import compare_marginals
from causalkit.models.fidelity.mean_discrepancy import mean_discrepancy
from causalkit.models.fidelity.missingness import compare_missingness
from causalkit.models.fidelity.paired_samples import (
    FEWEST_WINDOWS,
    PairedSamples,
    Sample,
    Windows,
    block_length,
    halved,
    memory,
    pair_samples,
    spaced,
    windows_of,
)
from causalkit.models.fidelity.report import FidelityReport, Overlay, errors_of
from causalkit.models.fidelity.two_sample import two_sample_test
from causalkit.models.fidelity.usefulness import compare_usefulness
from causalkit.typing import Data, FloatArray, Name, RandomState

__all__ = ["assess_fidelity"]

_FEWEST_BLOCKS: Final = 4
_PERMUTATIONS: Final = 200
_DOTS: Final = 500


def assess_fidelity(
    real: Data | Sequence[Data],
    synthetic: Data | Sequence[Data],
    *,
    window: int = 8,
    reference: Data | Sequence[Data] | None = None,
    panel: Name | None = None,
    classifiers: Sequence[str] | None = None,
    n_null: int = 3,
    max_windows: int = 1500,
    random_state: RandomState = 0,
) -> FidelityReport:
    """Say how like real data synthetic data are.

    Parameters
    ----------
    real : DataFrame, 2-D ndarray or dict of columns; a list of them; or a 3-D ndarray
        Data to look like. Series have one row a step, in the order of time.
    synthetic : the same
        What a generator made, of any length, in the same columns. Series should have run freely.
    window : int, default 8
        Steps that are looked at together. With 1 the data are a table of independent rows.
    reference : the same, optional
        The data that the generator was fitted to, if `real` was kept from it. Copies are looked
        for there; left out, in `real`.
    panel : str or int, optional
        Column that tells subjects apart, in all data sets.
    classifiers : sequence of str, optional
        Among "boosting", "logistic", "logistic_squares", "quadratic" and "neighbours"; all of them
        if left out.
    n_null : int, default 3
        Deals of the real data for the comparison of real with real; 0 leaves it out.
    max_windows : int, default 1500
        Most windows of a side that are shown to classifiers, evenly spread.
    random_state : int, Generator or None, default 0

    Returns
    -------
    FidelityReport

    Raises
    ------
    InputError
        If columns differ, or there are too few complete windows.

    Notes
    -----
    Windows never reach over a missing cell; what is missing is compared by itself. Numbers are in
    units of the real data. The AUC is that of the best classifier, judged on blocks that it did not
    learn from, in turn; its interval is a bootstrap over blocks with the classifiers as they are.
    Blocks are at least three times as long as the series remember, as far as 16 blocks allow.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real, alike = rng.normal(size=(2, 600, 2))
    >>> wider = 3 * rng.normal(size=(600, 2))
    >>> report = assess_fidelity(real, wider, window=1, n_null=1)
    >>> report.grade
    'easily told from real data'
    >>> assess_fidelity(real, alike, window=1, n_null=1).auc < 0.6
    True
    """
    window = check_count(window, "window")
    n_null = check_count(n_null, "n_null", minimum=0)
    max_windows = check_count(max_windows, "max_windows", minimum=2 * FEWEST_WINDOWS)
    chosen = _chosen(classifiers)
    pair = pair_samples(real, synthetic, reference, panel=panel)
    rngs = as_generator(random_state).spawn(5)
    if window == 1:
        pair = _shuffled(pair, rngs[0])
    blocks = [block_length(pair, side, window) for side in (pair.real, pair.synthetic)]
    sides = [
        _windows(side, window, block, what)
        for side, block, what in zip(
            (pair.real, pair.synthetic), blocks, ("real", "synthetic"), strict=True
        )
    ]
    halves = halved(pair, blocks[0])
    few = [spaced(side, max_windows) for side in sides]
    varies = [bool(np.ptp(column[~np.isnan(column)]) > 0) for column in _filled(pair.real.cells)]
    series = window > 1
    return FidelityReport(
        names=pair.names,
        n_rows=(pair.real.n_rows, pair.synthetic.n_rows),
        window=window,
        block=blocks[0],
        memory=memory(pair.real) if series else 0.0,
        two_sample=two_sample_test(few[0], few[1], classifiers=chosen, n_null=n_null, rng=rngs[1]),
        discrepancy=mean_discrepancy(few[0], few[1], n_permutations=_PERMUTATIONS, rng=rngs[2]),
        marginals=compare_marginals(pair),
        dependence=compare_dependence(pair, 2 * window, series=series),
        usefulness=compare_usefulness(few[0], few[1], pair.owner, len(pair.names)),
        copies=_copies(pair, few, window, blocks[0]),
        missingness=compare_missingness(pair, series=series),
        overlay=_overlay(few[0], few[1]),
        real_errors=errors_of(
            compare_marginals(halves), compare_dependence(halves, 2 * window, series=series)
        ),
        constants=tuple(name for name, moves in zip(pair.names, varies, strict=True) if not moves),
    )


def _chosen(classifiers: Sequence[str] | None) -> tuple[str, ...]:
    if classifiers is None:
        return tuple(CLASSIFIERS)
    chosen = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)
    unknown = [name for name in chosen if name not in CLASSIFIERS]
    if unknown or not chosen:
        raise InputError(
            f"classifiers={classifiers!r}; expected one or several of "
            f"{', '.join(map(repr, CLASSIFIERS))}. Leave it out for all of them."
        )
    return tuple(dict.fromkeys(chosen))


def _shuffled(pair: PairedSamples, rng: np.random.Generator) -> PairedSamples:
    """Rows of a table in random order, so that a block of them is a random sample."""

    def mixed(side: Sample) -> Sample:
        order = rng.permutation(side.n_rows)
        return Sample(side.cells[order], side.coded[order], np.zeros(side.n_rows, dtype=np.intp))

    reference = None if pair.reference is None else mixed(pair.reference)
    return PairedSamples(
        pair.names, pair.levels, pair.owner, mixed(pair.real), mixed(pair.synthetic), reference
    )


def _windows(side: Sample, window: int, block: int, what: str) -> Windows:
    found = windows_of(side, window, block)
    if len(found.block) >= FEWEST_WINDOWS and found.n_blocks >= _FEWEST_BLOCKS:
        return found
    holes = int(np.isnan(side.coded).any(axis=1).sum())
    raise InputError(
        f"the {what} data have {len(found.block)} complete windows of {window} step(s) in "
        f"{found.n_blocks} blocks of {block} rows ({side.n_rows} rows, {holes} of them with a "
        f"missing cell); expected at least {FEWEST_WINDOWS} windows and {_FEWEST_BLOCKS} blocks. "
        "Bring more rows, choose fewer variables, or set a smaller window."
    )


def _copies(pair: PairedSamples, few: list[Windows], window: int, block: int) -> Copies:
    if pair.reference is None:
        return look_for_copies(few[1], windows_of(pair.real, window, block, overlap=True))
    training = windows_of(pair.reference, window, block, overlap=True)
    if len(training.block) == 0:
        raise InputError(
            f"the reference data have no complete window of {window} step(s); expected the data "
            "that the generator was fitted to. Leave reference out to look for copies in the real "
            "data."
        )
    return look_for_copies(few[1], training, few[0])


def _overlay(real: Windows, synthetic: Windows) -> Overlay:
    rows = real.flat()
    centre = rows.mean(axis=0)
    value, vector = np.linalg.eigh((rows - centre).T @ (rows - centre) / len(rows))
    turn = vector[:, ::-1][:, :2]
    if turn.shape[1] < 2:  # a single column has one component
        turn = np.hstack([turn, np.zeros_like(turn)])
    # a sign of its own would let two machines draw mirrored pictures
    turn = turn * np.where(turn.sum(axis=0) < 0, -1.0, 1.0)
    shares = [*(value[::-1][:2] / max(float(value.sum()), 1e-300)), 0.0]
    return Overlay(
        (spaced(real, _DOTS).flat() - centre) @ turn,
        (spaced(synthetic, _DOTS).flat() - centre) @ turn,
        (float(shares[0]), float(shares[1])),
    )


def _filled(cells: FloatArray) -> list[FloatArray]:
    """Columns, with a value in those that have none."""
    return [np.zeros(1) if np.isnan(column).all() else column for column in cells.T]
