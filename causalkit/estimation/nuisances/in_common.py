"""What several arms have in common: terms of the columns, fitted to all of their rows.

A target that is predicted in each arm by itself (the outcome of the treated, of the controls) is
known from few rows there. So terms are fitted to all arms together first, each arm at a level of
its own; what an arm has beyond them comes on top, as strong as its rows ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sklearn.base import is_classifier

from causalkit.estimation.nuisances.binning import bin_columns
from causalkit.estimation.nuisances.curves import Terms, terms_of
from causalkit.estimation.nuisances.starts import Shared, Splits, fit_starts

if TYPE_CHECKING:
    from causalkit.estimation.nuisances.crossfitting import Nuisance
    from causalkit.estimation.problem import Problem

__all__ = ["starts_in_common"]


def starts_in_common(
    problem: Problem,
    nuisances: Sequence[Nuisance],
    splits: Sequence[Splits],
    prepared: dict[Any, Any],
    n_jobs: int | None,
) -> list[Shared | None]:
    """For each nuisance, what it has in common with others; None where there are no others.

    Parameters
    ----------
    problem : Problem
    nuisances : sequence of Nuisance
    splits : sequence of Splits
        Of each nuisance: its training rows and held-out ones, fold by fold.
    prepared : dict
    n_jobs : int, optional
    """
    families: dict[tuple[int, int, int], list[int]] = {}
    for k, nuisance in enumerate(nuisances):
        if nuisance.among is not None and nuisance.learner.start == "terms":
            of = (nuisance.target, nuisance.seen(problem), nuisance.learner)
            families.setdefault(cast("Any", tuple(map(id, of))), []).append(k)
    found: list[Shared | None] = [None] * len(nuisances)
    for members in families.values():
        nuisance, arms = nuisances[members[0]], [splits[k] for k in members]
        X = nuisance.seen(problem)
        terms = terms_of(X, prepared)
        if terms is None or len(members) < 2 or nuisance.n_classes > 2:
            continue
        among = np.column_stack([np.asarray(nuisances[k].among) for k in members]) * 1.0
        if among.sum(axis=1).max() > 1:
            continue
        indicators = among[:, 1:]
        together = [_union(parts) for parts in zip(*arms, strict=True)]
        levelled, starts = fit_starts(
            X,
            bin_columns(X, prepared).binned,
            terms.with_levels(indicators),
            nuisance.target,
            problem.weights,
            together,
            is_classifier(nuisance.learner),
            n_jobs,
        )
        common = terms.with_surfaces(X, cast("Terms", levelled).surfaces)
        shared = common, [(level, slopes[indicators.shape[1] :]) for level, slopes in starts]
        for k in members:
            found[k] = shared
    return found


def _union(parts: Splits) -> tuple[Any, Any]:
    """Training rows and held-out ones of any arm."""
    train, score = zip(*parts, strict=True)
    return np.logical_or.reduce(train), np.logical_or.reduce(score)
