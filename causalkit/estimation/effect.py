"""`Effect`: a number, how sure we are of it, and what it was computed from.

An average effect is estimated as the solution θ of an estimating equation, and nearly everything
that can be said about its uncertainty is in one vector, the *influence* φ of each row on θ:

    θ̂ − θ ≈ (1/n) Σᵢ φᵢ        hence        s.e.² = (1/n²) Σ_g (Σ_{i∈g} φᵢ)²

where the groups g are the rows themselves, or the clusters they came in. An :class:`Effect` keeps
φ, so a robust, clustered or joint statement about several effects needs no refitting. It also keeps
the arrays and the unfitted estimator, so that it can be challenged (:meth:`Effect.refute`).

>>> effect = Effect(value=2.0, std_error=0.5, n_obs=100, method="OLS")
>>> effect.interval(0.95)
Interval(lower=1.02, upper=2.98, level=0.95)
>>> round(effect.p_value(), 5)
6e-05
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.estimation.asked_in_words import contrast_text, outcome_text, question_of
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from causalkit.estimation.base import EffectEstimator

__all__ = ["Effect", "Interval", "quantile"]

_NORMAL = NormalDist()
_ROLES = {"z": "instruments"}
_MOST_NAMES, _NAMES_SHOWN = 20, 8


@dataclass(frozen=True, slots=True, repr=False)
class Interval:
    """An interval with its level; `lower, upper = interval` unpacks it, `x in interval` asks.

    Parameters
    ----------
    lower, upper : float
        In units of the outcome.
    level : float, default 0.95
        Probability with which such intervals cover.

    Examples
    --------
    >>> lower, upper = Interval(0.5, 1.5)
    >>> 1.0 in Interval(lower, upper)
    True
    """

    lower: float
    upper: float
    level: float = 0.95

    @classmethod
    def around(
        cls, value: float, std_error: float, level: float = 0.95, df: float | None = None
    ) -> Interval:
        """Value ± quantile · s.e., of the normal or, with `df`, of Student's distribution."""
        check_fraction(level, "level")
        half = quantile(0.5 + level / 2, df) * std_error
        return cls(value - half, value + half, level)

    @property
    def width(self) -> float:
        """Upper minus lower end."""
        return self.upper - self.lower

    def __contains__(self, value: float) -> bool:
        return self.lower <= value <= self.upper

    def __iter__(self) -> Iterator[float]:
        yield self.lower
        yield self.upper

    def __repr__(self) -> str:
        ends = f"lower={format_value(self.lower)}, upper={format_value(self.upper)}"
        return f"Interval({ends}, level={self.level:g})"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Effect(Reported):
    """An estimated average effect.

    Attributes
    ----------
    value : float
        The effect, in units of the outcome (per unit of a continuous treatment).
    std_error : float
        Its standard error; NaN for an effect that the graph implies, which is as uncertain as the
        graph.
    n_obs : int
        Rows used.
    method : str
        In words, e.g. "AIPW, cross-fitted in 5 folds".
    estimand : object or None
        What was identified, if the estimate came from a graph.
    influence : ndarray of shape (n_obs,) or None
        Influence of each row, weights and small-sample factors included, so that the standard
        error is the root of the sum over clusters of squared sums of it, divided by `n_obs`.
        None when there is none (bootstrap, or an effect implied by the graph).
    details : mapping
        Facts on the way: contrast, learners, folds, overlap, warnings.
    df : float or None
        Degrees of freedom of Student's distribution behind interval and p-value: rows less
        coefficients for OLS, clusters less one where there are clusters. None for the normal.
    problem : Problem or None
        The arrays the estimate was computed from.
    estimator : EffectEstimator or None
        The estimator, unfitted.
    """

    value: float
    std_error: float
    n_obs: int
    method: str
    estimand: Any = None
    influence: FloatArray | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    df: float | None = None
    problem: Problem | None = None
    estimator: EffectEstimator | None = None

    @property
    def implied(self) -> bool:
        """Whether the graph alone says so, and nothing was estimated."""
        return math.isnan(self.std_error)

    def interval(self, level: float = 0.95) -> Interval:
        """Return the confidence interval; NaN for an effect that the graph implies.

        Parameters
        ----------
        level : float
            Between 0 and 1.
        """
        return Interval.around(self.value, self.std_error, level, self.df)

    def p_value(self, null: float = 0.0) -> float:
        """Two-sided p-value of the hypothesis that the effect equals `null`."""
        distance = abs(self.value - null)
        if self.std_error == 0:
            return float(distance == 0)
        return 2 * _lower_tail(-distance / self.std_error, self.df)

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        if self.implied:
            return f"{question_of(self)}: {format_value(self.value)} if the graph is right"
        lower, upper = map(format_value, self.interval())
        return f"{question_of(self)}: {format_value(self.value)} (95 % interval {lower} to {upper})"

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row, with the question as its label.

        Parameters
        ----------
        level : float
            Of the interval.

        Returns
        -------
        DataFrame
            effect, std_error, lower, upper, p_value, n_obs, method; contrast, which levels are
            compared; outcome, and of one with named levels the level whose chance is meant; df of
            Student's distribution and number of clusters, both missing where there are none.
        """
        import pandas as pd

        return pd.DataFrame([self._row(level)], index=[question_of(self)])

    def _row(self, level: float) -> dict[str, Any]:
        """What `to_frame` has of the effect."""
        (lower, upper), kinds = self.interval(level), self._clusters()
        return {
            "effect": self.value,
            "std_error": self.std_error,
            "lower": lower,
            "upper": upper,
            "p_value": self.p_value(),
            "n_obs": self.n_obs,
            "method": self.method,
            "contrast": contrast_text(self),
            "outcome": outcome_text(self),
            "df": math.nan if self.df is None else self.df,
            "clusters": kinds[0] if len(kinds) == 1 else _counted(kinds) or None,
        }

    def _clusters(self) -> tuple[int, ...]:
        """How many clusters of each kind there are; empty if rows are independent."""
        if self.problem is None:
            return (self.details["clusters"],) if "clusters" in self.details else ()
        kinds = (self.problem.groups, self.problem.second_groups)
        return tuple(int(kind.max()) + 1 for kind in kinds if kind is not None)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the estimate with its interval."""
        from causalkit.plotting import plot_effects

        return plot_effects(self, ax=ax, **style)

    def refute(self, *challenges: Any, **options: Any) -> Any:
        """Challenge the estimate; see :func:`causalkit.refutation.refute`."""
        from causalkit.refutation import refute

        return refute(self, challenges or None, **options)

    def _report(self) -> Report:
        interval = self.interval()
        facts: list[tuple[str, object]] = [("method", self.method)]
        if "contrast" in self.details:
            facts.append(("contrast", contrast_text(self)))
        if "outcome" in self.details:
            facts.append(("outcome", self.details["outcome"]))
        if self.problem is not None:
            facts.append(("adjusted for", _enumerated(self.problem.adjustment)))
            facts += [
                (_ROLES.get(role, role), _enumerated(columns.names))
                for role, columns in self.problem.others.items()
            ]
        elif (adjustment := getattr(self.estimand, "adjustment", None)) is not None:
            facts.append(("adjusted for", _enumerated(adjustment)))
        if clusters := _counted(self._clusters()):
            facts.append(("standard error", f"clustered, {clusters} clusters"))
        facts.append(("rows", self.n_obs))
        if "nuisances" in self.details:
            facts.append(("nuisances explained", self.details["nuisances"].sentence))
        return Report(
            title=self.sentence,
            facts=facts,
            columns=("effect", "std. error", "lower", "upper", "p-value"),
            rows=[(self.value, self.std_error, *interval, self.p_value())],
            notes=list(self.details.get("notes", ())),
        )


def _counted(kinds: Sequence[int]) -> str:
    """Numbers of clusters in words: "40", or "40 and 8" of two kinds."""
    return " and ".join(map(str, kinds))


def _enumerated(names: Sequence[object]) -> str:
    """All names if they are few, else the first ones and how many there are."""
    if len(names) <= _MOST_NAMES:
        return ", ".join(map(str, names)) or "nothing"
    return f"{', '.join(map(str, names[:_NAMES_SHOWN]))}, … ({len(names)} columns)"


def quantile(probability: float, df: float | None) -> float:
    """Of the normal distribution, or with `df` of Student's."""
    if df is None:
        return _NORMAL.inv_cdf(probability)
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


def _lower_tail(t: float, df: float | None) -> float:
    if df is None:
        return 0.5 * math.erfc(-t / math.sqrt(2))  # NormalDist().cdf is 0 beyond 8.3
    from scipy.special import stdtr

    return float(stdtr(df, t))
