"""One forest a nuisance: rows are predicted by the trees that were grown without them.

Each tree of a forest leaves out about a third of the rows. Averaged over the trees that left a row
out, the prediction of that row is out of sample without any folds: one forest, grown on all rows,
does what cross-fitting does with one forest a fold, and each tree learns from more rows.

Independent rows only: with clusters whole clusters are drawn, and a row is predicted by trees that
saw nothing of its cluster. Rows outside `among` were in no tree, and are predicted by all of them.

An out-of-bag prediction uses about a third of the trees, so it is as noisy as a forest of a third
the size. Orthogonal moments with out-of-bag predictions are justified by stability of the forest
under the removal of one row rather than by independent folds (Chen, Syrgkanis & Austern 2022).

References
----------
Breiman (2001), Machine Learning 45, 5-32. doi:10.1023/A:1010933404324
Chen, Syrgkanis & Austern (2022), Advances in Neural Information Processing Systems 35 (debiased
machine learning without sample splitting). arXiv:2206.01825
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from causalkit._core.parallel import run
from causalkit._core.random import as_generator
from causalkit.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from causalkit.estimation.nuisances.crossfitting import Nuisance
    from causalkit.estimation.problem import Problem

__all__ = ["OutOfBagForestClassifier", "OutOfBagForestRegressor"]


class _OutOfBag:
    """The forest as it is asked for all folds at once."""

    def predict_out_of_fold(
        self,
        problem: Problem,
        nuisances: Sequence[Nuisance],
        folds: IntArray,  # noqa: ARG002
        *,
        seeds: Sequence[int],
        prepared: dict[Any, Any],  # noqa: ARG002
        n_jobs: int | None,
    ) -> list[list[FloatArray]]:
        """Predict each row by the trees that did not see it; the folds are not used."""
        return [
            _out_of_bag(problem, nuisance, seed, n_jobs)
            for nuisance, seed in zip(nuisances, seeds, strict=True)
        ]


class OutOfBagForestRegressor(_OutOfBag, RandomForestRegressor):
    """A random forest whose out-of-bag predictions serve all folds.

    Parameters are those of scikit-learn's `RandomForestRegressor`; `bootstrap` stays true.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import PLR
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 3))
    >>> above = np.where(X[:, 0] > 0, 1.0, 0.0)  # a step: a forest needs many rows for a line
    >>> t = above + rng.normal(size=400)
    >>> y = 0.5 * t + 2 * above + rng.normal(size=400)
    >>> forest = OutOfBagForestRegressor(50, min_samples_leaf=5)
    >>> effect = PLR(forest, forest, random_state=0).fit(X, y, t=t).effect_
    >>> bool(abs(effect.value - 0.5) < 0.2)
    True
    """

    def __init__(
        self,
        n_estimators: int = 200,
        *,
        min_samples_leaf: int = 3,
        max_features: float | str = 0.5,
        max_depth: int | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            n_estimators,
            min_samples_leaf=min_samples_leaf,
            max_features=max_features,
            max_depth=max_depth,
            random_state=random_state,
            n_jobs=n_jobs,
        )


class OutOfBagForestClassifier(_OutOfBag, RandomForestClassifier):
    """A random forest whose out-of-bag probabilities serve all folds.

    Parameters are those of scikit-learn's `RandomForestClassifier`; `bootstrap` stays true.
    """

    def __init__(
        self,
        n_estimators: int = 200,
        *,
        min_samples_leaf: int = 5,
        max_features: float | str = 0.5,
        max_depth: int | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            n_estimators,
            min_samples_leaf=min_samples_leaf,
            max_features=max_features,
            max_depth=max_depth,
            random_state=random_state,
            n_jobs=n_jobs,
        )


def _out_of_bag(
    problem: Problem, nuisance: Nuisance, seed: int, n_jobs: int | None
) -> list[FloatArray]:
    """Average over the trees that did not see a row, at its features and at the others."""
    forest = clone(nuisance.learner)
    own = forest.random_state
    rng = as_generator(seed if own is None else own)
    rows = problem.weights > 0
    if nuisance.among is not None:
        rows &= nuisance.among
    unit = np.arange(problem.n_obs) if problem.groups is None else problem.groups
    places = [nuisance.seen(problem), *nuisance.at.values()]
    jobs = [
        (forest, nuisance, places, rows, unit, problem.weights, child)
        for child in rng.spawn(forest.n_estimators)
    ]
    found = run(_tree, jobs, n_jobs=n_jobs, label="growing trees")
    counts = np.sum([unseen for unseen, _ in found], axis=0)
    totals = [np.sum([parts[k] for _, parts in found], axis=0) for k in range(len(places))]
    # With few trees a row may be in all of them; the mean of the others says what is known.
    lucky = counts > 0
    means = []
    for total in totals:
        mean = total / np.maximum(counts, 1)[:, None]
        mean[~lucky] = total[lucky].sum(axis=0) / max(counts[lucky].sum(), 1)
        means.append(mean if nuisance.n_classes else mean[:, -1])
    return means


def _tree(
    forest: Any,
    nuisance: Nuisance,
    places: list[FloatArray],
    rows: Any,
    unit: IntArray,
    weights: FloatArray,
    rng: np.random.Generator,
) -> tuple[Any, list[FloatArray]]:
    """Which rows one tree did not see, and what it predicts for them."""
    units = np.unique(unit[rows])
    drawn = np.bincount(rng.choice(units, size=len(units)), minlength=int(unit.max()) + 1)
    times = drawn[unit] * rows
    seen = times > 0
    classifies = is_classifier(forest)
    kind = DecisionTreeClassifier if classifies else DecisionTreeRegressor
    tree = kind(
        min_samples_leaf=forest.min_samples_leaf,
        max_features=forest.max_features,
        max_depth=forest.max_depth,
        random_state=int(rng.integers(2**31)),
    )
    target = nuisance.target[seen]
    if classifies:
        target = target.astype(np.intp)
    tree.fit(places[0][seen], target, sample_weight=(times * weights)[seen])
    unseen = drawn[unit] == 0
    width = max(nuisance.n_classes, 2) if classifies else 1
    parts = []
    for X in places:
        part = np.zeros((len(X), width))
        if classifies and unseen.any():
            part[np.ix_(unseen, tree.classes_)] = tree.predict_proba(X[unseen])
        elif unseen.any():
            part[unseen, 0] = tree.predict(X[unseen])
        parts.append(part)
    return unseen.astype(np.float64), parts
