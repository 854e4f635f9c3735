"""Negative controls: look for an effect where there can be none.

Hidden common causes leave traces. A **negative control outcome** is something that the treatment
cannot change, but that hidden causes of the outcome drive as well (injuries, in a study of a
vaccine against influenza). If the same analysis finds an effect on it, it would find one on the
outcome too. A **negative control treatment** is something that cannot change the outcome, but
depends on the same hidden causes as the treatment (a vaccine against something else; the treatment
of next year). Given the treatment itself, it should tell nothing about the outcome.

Unlike all other checks of an adjustment these can *find* hidden confounding. What they cost is a
column of which one knows that the effect is zero; and they are blind to hidden causes that do not
touch it.

References
----------
Lipsitch, Tchetgen Tchetgen & Cohen (2010), "Negative controls: a tool for detecting confounding and
bias in observational studies", Epidemiology 21, 383-388. doi:10.1097/EDE.0b013e3181d61eeb
Shi, Miao & Tchetgen Tchetgen (2020), "A selective review of negative control methods in
epidemiology", Current Epidemiology Reports 7, 190-202. doi:10.1007/s40471-020-00243-4
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import clone

from causalkit._core.checks import check_fraction
from causalkit._core.random import draw_seed
from causalkit._core.report import format_value
from causalkit.errors import CausalkitError, InputError
from causalkit.estimation.effect import Effect
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.problem import Problem, as_problem
from causalkit.refutation.base import (
    FAILS,
    NOT_INFORMATIVE,
    PASSES,
    Challenge,
    Verdict,
    beyond_reach,
    not_informative,
    not_zero,
)
from causalkit.refutation.refits import refit
from causalkit.typing import FloatArray, Name

__all__ = ["NegativeControlOutcome", "NegativeControlTreatment"]


@dataclass(frozen=True, slots=True, eq=False)
class NegativeControl:
    """What both share: estimate an effect that must be zero, and judge it."""

    column: Name | ArrayLike
    alpha: float = 0.05

    def __post_init__(self) -> None:
        check_fraction(self.alpha, "alpha")

    @property
    @abstractmethod
    def name(self) -> str:
        """The check, in words."""

    @property
    @abstractmethod
    def question(self) -> str:
        """What it asks."""

    @abstractmethod
    def _arranged(
        self, effect: Effect, problem: Problem, rng: np.random.Generator
    ) -> tuple[Any, Problem, float] | str:
        """Estimator and problem with a zero effect, and the bias of interest; or why there is none.

        That bias is as large, in standard deviations, as the estimate.
        """

    def challenge(
        self,
        effect: Effect,
        *,
        n_simulations: int,  # noqa: ARG002
        rng: np.random.Generator,
        n_jobs: int | None = None,  # noqa: ARG002
    ) -> Challenge:
        """Put the question to `effect`."""
        reason = beyond_reach(effect)
        if reason or effect.problem is None:
            return not_informative(self, reason)
        if reason := not_zero(effect):
            return not_informative(self, reason)
        if type(effect.problem) is not Problem:
            return not_informative(
                self, "The effect does not rest on adjustment, which is what this check is about."
            )
        arranged = self._arranged(effect, effect.problem.replace(supplied={}), rng)
        if isinstance(arranged, str):
            return not_informative(self, arranged)
        estimator, problem, bias = arranged
        try:
            found = refit(estimator, problem, rng, keep_seed=True)
        except (CausalkitError, ValueError, np.linalg.LinAlgError) as error:
            return not_informative(
                self, f"The effect of the negative control cannot be estimated: {error}"
            )
        if not found.std_error > 0:
            return not_informative(self, "The negative control is a function of the other columns.")
        return self._judge(found, bias)

    def _judge(self, found: Effect, bias: float) -> Challenge:
        p_value = found.p_value()
        cut, size = stats.norm.isf(self.alpha / 2), abs(bias) / found.std_error
        power = float(stats.norm.sf(cut - size) + stats.norm.cdf(-cut - size))
        verdict, sentence = self._words(found, p_value, power)
        return Challenge(
            self.name,
            self.question,
            verdict,
            sentence,
            null=f"the effect of {found.problem.treatment} on {found.problem.outcome} is zero"
            if found.problem is not None
            else "",
            estimate=found.value,
            std_error=found.std_error,
            p_value=p_value,
            power=power,
            details={
                "alternative": "a bias as large as the estimate, in standard deviations",
                "method": found.method,
                "effect": found,
            },
        )

    def _words(self, found: Effect, p_value: float, power: float) -> tuple[Verdict, str]:
        shown = f"{format_value(found.value)} (p = {format_value(p_value)})"
        if p_value < self.alpha:
            return FAILS, (
                f"An effect that must be zero is estimated as {shown}: a hidden common cause is "
                "left in, or the control is not one. Find what drives both and adjust for it, or "
                "say how strong it may be (sensitivity, marginal_sensitivity)."
            )
        if power < 0.5:
            return NOT_INFORMATIVE, (
                f"An effect that must be zero is estimated as {shown}, but a bias as large as the "
                f"estimate would probably go unnoticed (power {power:.0%})."
            )
        return PASSES, (
            f"An effect that must be zero is estimated as {shown}. Hidden causes that do not touch "
            "the control would not show."
        )


@dataclass(frozen=True, slots=True, eq=False)
class NegativeControlOutcome(NegativeControl):
    """Ask whether the analysis finds an effect on something that the treatment cannot change.

    Parameters
    ----------
    column : array-like of shape (n_obs,), or name
        The control, one value for each row of the effect; or the name of an adjustment column (the
        outcome before treatment, say), which is then no longer adjusted for.
    alpha : float
        Chance that a sound analysis fails.

    Notes
    -----
    **Assumes:**

    - the treatment has no effect on the control;
    - hidden causes of treatment and outcome drive the control as well, or it finds nothing;
    - what is adjusted for is enough for the control, if nothing is hidden.

    Estimator, adjustment and inference are those of the effect.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import OLS
    >>> from causalkit.refutation import refute
    >>> rng = np.random.default_rng(0)
    >>> age, hidden = rng.normal(size=(2, 500))
    >>> t = age + hidden + rng.normal(size=500)
    >>> y = t + age + hidden + rng.normal(size=500)
    >>> injuries = age + hidden + rng.normal(size=500)
    >>> effect = OLS().fit({"age": age}, y, t=t).effect_
    >>> refute(effect, NegativeControlOutcome(injuries), random_state=0).verdict
    'fails'
    """

    @property
    def name(self) -> str:
        """The check, in words."""
        return "negative control outcome"

    @property
    def question(self) -> str:
        """What it asks."""
        return "Does the method find an effect on an outcome that the treatment cannot change?"

    def _arranged(
        self,
        effect: Effect,
        problem: Problem,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> tuple[Any, Problem, float] | str:
        control, rest = _taken(self.column, problem)
        read = as_problem(None, control, problem.t)
        label = self.column if isinstance(self.column, (str, int)) else read.outcome
        own = _own_name(label, "control outcome", rest)
        changed = rest.replace(y=read.y, outcome=own, outcome_levels=read.outcome_levels)
        bias = effect.value * _spread(read.y, problem) / _spread(problem.y, problem)
        return effect.estimator, changed, bias


@dataclass(frozen=True, slots=True, eq=False)
class NegativeControlTreatment(NegativeControl):
    """Ask whether something that cannot change the outcome seems to.

    Parameters
    ----------
    column : array-like of shape (n_obs,), or name
        The control, of two values or numeric, one for each row of the effect; or the name of an
        adjustment column, which is then no longer adjusted for.
    alpha : float
        Chance that a sound analysis fails.

    Notes
    -----
    **Assumes:**

    - the control has no effect on the outcome, but through the treatment;
    - hidden causes of treatment and outcome drive the control as well, or it finds nothing;
    - given the treatment and what is adjusted for, nothing else ties control and outcome.

    The effect's treatment is adjusted for as well. The estimator is that of the effect if it can
    take such a treatment, else partially linear regression.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import OLS
    >>> from causalkit.refutation import refute
    >>> rng = np.random.default_rng(0)
    >>> age, hidden = rng.normal(size=(2, 500))
    >>> t = age + hidden + rng.normal(size=500)
    >>> y = t + age + hidden + rng.normal(size=500)
    >>> other_vaccine = (age + hidden + rng.normal(size=500) > 0).astype(int)
    >>> effect = OLS().fit({"age": age}, y, t=t).effect_
    >>> refute(effect, NegativeControlTreatment(other_vaccine), random_state=0).verdict
    'fails'
    """

    @property
    def name(self) -> str:
        """The check, in words."""
        return "negative control treatment"

    @property
    def question(self) -> str:
        """What it asks."""
        return "Does something seem to change the outcome that cannot?"

    def _arranged(
        self, effect: Effect, problem: Problem, rng: np.random.Generator
    ) -> tuple[Any, Problem, float] | str:
        if problem.others:
            roles = ", ".join(problem.others)
            return (
                f"The effect rests on columns with roles of their own ({roles}), which belong to "
                "its own treatment and not to a control. Use NegativeControlOutcome."
            )
        control, rest = _taken(self.column, problem)
        read = as_problem(None, problem.y, control)
        if read.kind == "categorical":
            return (
                f"The control has {len(read.levels or ())} levels; expected two values or numbers."
            )
        label = self.column if isinstance(self.column, (str, int)) else read.treatment
        treated, names = _treatment_columns(problem)
        changed = rest.replace(
            t=read.t,
            levels=read.levels,
            treatment=_own_name(label, "control treatment", rest),
            X=np.hstack([rest.X, treated]),
            adjustment=(*rest.adjustment, *names),
        )
        estimator = clone(effect.estimator)
        if hasattr(estimator, "contrast"):
            estimator.set_params(contrast=None)
        if read.kind not in estimator.treatments:
            estimator = PLR(random_state=draw_seed(rng))
        # As large, for one standard deviation of either treatment.
        size = effect.value * (1.0 if problem.levels else _spread(problem.t, problem))
        return estimator, changed, size / (1.0 if read.levels else _spread(read.t, problem))


def _taken(column: Name | ArrayLike, problem: Problem) -> tuple[ArrayLike, Problem]:
    """The control as values, and the problem without it among the adjustment columns."""
    if not isinstance(column, (str, int)):
        return column, problem
    if str(column) not in problem.adjustment:
        known = ", ".join(problem.adjustment) or "none"
        raise InputError(
            f"{column!r} is no adjustment column of the effect ({known}); expected one, or the "
            "values themselves, one for each row. Pass data[name]."
        )
    k = problem.adjustment.index(str(column))
    rest = problem.replace(
        X=np.ascontiguousarray(np.delete(problem.X, k, axis=1)),
        adjustment=problem.adjustment[:k] + problem.adjustment[k + 1 :],
    )
    return problem.X[:, k], rest


def _treatment_columns(problem: Problem) -> tuple[FloatArray, list[str]]:
    """The treatment as columns to adjust for."""
    if problem.levels is None:
        return problem.t[:, None], [str(problem.treatment)]
    codes = range(1, len(problem.levels))
    columns = np.column_stack([problem.t == code for code in codes]).astype(np.float64)
    return columns, [f"{problem.treatment}={problem.levels[code]}" for code in codes]


def _own_name(label: Name, default: str, problem: Problem) -> Name:
    """A name that neither outcome nor treatment has."""
    taken = (problem.outcome, problem.treatment)
    return default if label in ("y", "t") or label in taken else label


def _spread(values: FloatArray, problem: Problem) -> float:
    """Weighted standard deviation."""
    w = problem.weights
    return float(np.sqrt(np.average((values - np.average(values, weights=w)) ** 2, weights=w)))
