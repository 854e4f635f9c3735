"""`SyntheticControl` and `SyntheticDiD`: one or a few treated units, and what would have been.

With one treated state there is no group to average over and nothing to test trends with. But many
periods before treatment say which mixture of other states moved as it did, and the mixture goes on
after treatment. Both estimators find that mixture from outcomes alone (see
:mod:`causalkit.estimation.panel.synthetic_weights`). `SyntheticDiD` allows a constant distance and
weights periods as well: it is right if either kind of weight is, or if trends are parallel.

References
----------
Abadie & Gardeazabal (2003), "The economic costs of conflict: a case study of the Basque Country",
American Economic Review 93, 113-132. doi:10.1257/000282803321455188
Abadie, Diamond & Hainmueller (2010), "Synthetic control methods for comparative case studies:
estimating the effect of California's tobacco control program", JASA 105, 493-505.
doi:10.1198/jasa.2009.ap08746
Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), "Synthetic difference-in-differences",
American Economic Review 111, 4088-4118. doi:10.1257/aer.20190159
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import ClassVar

import numpy as np
from sklearn.base import clone

from causalkit._core.checks import check_choice, check_count
from causalkit._core.random import as_generator
from causalkit.errors import AssumptionWarning, InputError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.panel.adoption import adoption_of
from causalkit.estimation.panel.structure import refuse_repeated_rows, refuse_starts
from causalkit.estimation.panel.synthetic_study import SyntheticStudy, growth, misfit
from causalkit.estimation.panel.synthetic_weights import (
    Block,
    Weights,
    control_weights,
    difference_weights,
)
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, RandomState

__all__ = ["SyntheticControl", "SyntheticDiD"]

_POOR_FIT = 2.0
"""Gap before treatment, in units of the controls' changes from period to period, that is warned of;
where weights fit but for noise it is about 0.7."""


class _Synthetic(EffectEstimator):
    """What both share: one block of treated units, weights, placebos."""

    treatments: ClassVar[tuple[str, ...]] = ("binary",)
    instead: ClassVar[str] = "FixedEffects() or PanelPLR(), which take a continuous treatment"
    needs: ClassVar[tuple[str, ...]] = ("unit", "time")

    n_placebos: int
    random_state: RandomState
    std_error: str = "placebo"

    weights_: SyntheticStudy

    @abstractmethod
    def _weights(self, block: Block) -> Weights:
        """Weights of controls and of periods."""

    def _check(self, problem: Problem) -> None:
        name = type(self).__name__
        self._check_roles(problem.others)
        check_count(self.n_placebos, "n_placebos", minimum=2)
        if problem.kind != "binary":
            raise InputError(
                f"treatment {problem.treatment!r} is {problem.kind}; {name} needs a binary one. "
                f"Use {self.instead}."
            )
        given = {
            "columns X": problem.X.shape[1] > 0,
            "sample weights": problem.sample_weight is not None,
            "clusters": problem.groups is not None,
        }
        strange = [what for what, is_given in given.items() if is_given]
        if strange:
            raise InputError(
                f"{name} got {' and '.join(strange)}; it matches units on their outcomes alone and "
                "takes every unit as one. Leave them out, or use DifferenceInDifferences()."
            )

    def answer(self, problem: Problem) -> Effect | EffectSet:
        """Estimate on data in which every unit has one row a period; keeps `weights_`."""
        self._check_roles(problem.others)
        refuse_repeated_rows(problem)
        refuse_starts(problem)
        effect = self.solve(problem)
        self.weights_ = effect.details["weights"]
        return effect

    def solve(self, problem: Problem) -> Effect:
        """Estimate on arrays that are already checked."""
        self._check(problem)
        block, controls, periods = self._block(problem)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            weights = self._weights(block)
            std_error, ratios, words = self._spread(block, weights)
        study = SyntheticStudy(
            block, weights, controls, periods, std_error, ratios, str(problem.outcome)
        )
        notes = [f"Standard error from {words}."]
        if not misfit(block, weights) <= _POOR_FIT * block.noise:
            notes.append(
                f"Before treatment the stand-in misses the treated by {study.misfit:.3g} (root "
                f"mean square), while controls change by {block.noise:.3g} from period to period."
            )
            warnings.warn(
                AssumptionWarning(
                    f"{notes[-1]} Expected a mixture of controls that follows the treated. Bring "
                    "more controls, or use SyntheticDiD(), which allows a constant distance."
                ),
                stacklevel=3,
            )
        details = {
            "contrast": f"{problem.treatment}, the treated from {periods[block.n_before]} on",
            "weights": study,
            "notes": notes,
        }
        effect = Effect(
            value=study.value,
            std_error=std_error,
            df=len(block.treated) - 1 if self.std_error == "jackknife" else None,
            n_obs=problem.n_obs,
            method=self._method(),
            details=details,
            problem=problem,
            estimator=clone(self),
        )
        return self._finite(effect)

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        """Value alone; there is no influence of rows."""
        block = self._block(problem)[0]
        return Solution(self._weights(block).effect(block), np.zeros(problem.n_obs))

    def _block(self, problem: Problem) -> tuple[Block, tuple[object, ...], tuple[object, ...]]:
        """Outcomes, the labels of the controls, and those of the periods."""
        name = type(self).__name__
        adoption = adoption_of(problem, who=name)
        start = adoption.one_start(who=name, instead="GroupTimeEffects()")
        never = adoption.never
        if start < 2:
            raise InputError(
                f"there is one period before treatment; {name} needs at least two, and many in "
                "practice. Bring earlier periods, or use DifferenceInDifferences()."
            )
        if never.sum() < 2:
            raise InputError(
                f"there is one untreated unit; {name} needs at least two, and more in practice. "
                "Bring more units."
            )
        block = Block(adoption.y[never], adoption.y[~never], start)
        labels = tuple(adoption.labels[u] for u in np.flatnonzero(never))
        return block, labels, adoption.panel.periods

    def _spread(self, block: Block, weights: Weights) -> tuple[float, FloatArray, str]:
        """Standard error, growth of gaps of placebos, and where it is from."""
        check_choice(self.std_error, "std_error", ("placebo", "jackknife"))
        if self.std_error == "jackknife":
            return _jackknife(block, weights), np.empty(0), "leaving out one unit at a time"
        n_controls, n_treated = len(block.controls), len(block.treated)
        if n_controls < n_treated + 2:
            raise InputError(
                f"there are {n_controls} controls for {n_treated} treated units; placebo standard "
                "errors need at least two more controls than treated. Bring more controls."
            )
        rng = as_generator(self.random_state)
        if n_treated > 1:
            chosen = [
                rng.choice(n_controls, n_treated, replace=False) for _ in range(self.n_placebos)
            ]
        elif n_controls > self.n_placebos:
            chosen = list(rng.choice(n_controls, self.n_placebos, replace=False)[:, None])
        else:
            chosen = [np.array([k]) for k in range(n_controls)]
        values, ratios = np.empty(len(chosen)), np.empty(len(chosen))
        for k, members in enumerate(chosen):
            placebo = Block(
                np.delete(block.controls, members, axis=0), block.controls[members], block.n_before
            )
            found = self._weights(placebo)
            values[k], ratios[k] = found.effect(placebo), growth(placebo, found)
        return float(values.std()), ratios, f"{len(chosen)} placebo treatments of controls"


class SyntheticControl(_Synthetic):
    """A mixture of untreated units that had the same outcomes as the treated before treatment.

    Parameters
    ----------
    n_placebos : int
        How many groups of controls are placebos, chosen at random; with one treated unit each
        control is one, if there are no more than this.
    random_state : int, Generator or None

    Attributes
    ----------
    weights_ : SyntheticStudy
        Weights, fit before treatment, placebo p-value, conformal interval, `plot`.

    Notes
    -----
    `fit` takes no X, the status of each row as `t`, `unit` and `time`. Several treated units with
    the same start are averaged first.

    **Assumes:**

    - what moves outcomes moves controls and treated through a few common factors, and a mixture of
      controls responds to them as the treated do (its outcomes fit over many periods before);
    - nobody reacts before treatment starts, and controls are not touched by it;
    - for the standard error, controls vary as the treated would have (placebos of equal size).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> factor = np.cumsum(rng.normal(size=(20, 2)), axis=0)
    >>> load = np.vstack([rng.uniform(size=(15, 2)), [0.5, 0.5]])
    >>> y = load @ factor.T + 0.1 * rng.normal(size=(16, 20))
    >>> t = (np.arange(16)[:, None] == 15) & (np.arange(20) >= 15)
    >>> unit, time = np.repeat(np.arange(16), 20), np.tile(np.arange(20), 16)
    >>> y, t = (y + 2 * t).ravel(), t.ravel()
    >>> effect = SyntheticControl().fit(None, y, t=t, unit=unit, time=time).effect_
    >>> bool(abs(effect.value - 2) < 0.3)
    True
    """

    def __init__(self, *, n_placebos: int = 200, random_state: RandomState = None) -> None:
        self.n_placebos = n_placebos
        self.random_state = random_state

    def _method(self) -> str:
        return "synthetic control"

    def _weights(self, block: Block) -> Weights:
        return control_weights(block)


class SyntheticDiD(_Synthetic):
    """Differences in differences between weighted units and weighted periods.

    Parameters
    ----------
    std_error : {"placebo", "jackknife"}
        From placebo treatments of controls, or from leaving out one unit at a time with weights
        kept, which needs several treated units. Intervals are then those of Student's distribution
        with degrees of freedom one less than treated units, as these vary most.
    n_placebos : int
        How many groups of controls are placebos, chosen at random; with one treated unit each
        control is one, if there are no more than this.
    random_state : int, Generator or None

    Attributes
    ----------
    weights_ : SyntheticStudy

    Notes
    -----
    `fit` takes no X, the status of each row as `t`, `unit` and `time`. All treated units start in
    the same period.

    **Assumes:**

    - units and periods have effects of their own, and what else moves outcomes are a few common
      factors that a mixture of controls, up to a constant, shares with the treated;
    - nobody reacts before treatment starts, and controls are not touched by it;
    - for placebos, controls vary as the treated would have; for the jackknife, units are
      independent and many are treated.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=(30, 1)) + np.arange(12) * 0.2 + 0.1 * rng.normal(size=(30, 12))
    >>> t = (np.arange(30)[:, None] >= 25) & (np.arange(12) >= 9)
    >>> unit, time = np.repeat(np.arange(30), 12), np.tile(np.arange(12), 30)
    >>> model = SyntheticDiD(random_state=0)
    >>> effect = model.fit(None, (y + 2 * t).ravel(), t=t.ravel(), unit=unit, time=time).effect_
    >>> bool(2 in effect.interval(0.99))
    True
    """

    def __init__(
        self,
        *,
        std_error: str = "placebo",
        n_placebos: int = 200,
        random_state: RandomState = None,
    ) -> None:
        self.std_error = std_error
        self.n_placebos = n_placebos
        self.random_state = random_state

    def _method(self) -> str:
        return "synthetic differences in differences"

    def _weights(self, block: Block) -> Weights:
        return difference_weights(block)


def _jackknife(block: Block, weights: Weights) -> float:
    """Spread of the effect when one unit is left out, the others' weights in proportion."""
    n_controls, n_treated = len(block.controls), len(block.treated)
    if n_treated < 2:
        raise InputError(
            "there is one treated unit, and without it there is no effect; the jackknife needs at "
            "least two. Use std_error='placebo'."
        )
    values = [
        weights.without(k).effect(
            Block(np.delete(block.controls, k, axis=0), block.treated, block.n_before)
        )
        for k in range(n_controls)
    ]
    values += [
        weights.effect(Block(block.controls, np.delete(block.treated, k, axis=0), block.n_before))
        for k in range(n_treated)
    ]
    n = len(values)
    squares = (np.array(values) - weights.effect(block)) ** 2
    return float(np.sqrt((n - 1) / n * squares.sum()))
