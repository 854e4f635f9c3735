"""`EffectSet`: several effects that belong together.

*Alternatives*: the graph leaves open which of several effects is the true one, because an edge is
not oriented, and each alternative is identified by another adjustment set. The truth is then a set.
:meth:`EffectSet.interval` covers it: the hull of the intervals of all alternatives.

*Contrasts*: effects that each answer their own question: a treatment with several levels, each
compared with the first; several outcomes; several quantiles. They are estimated from the same rows,
so their covariance is known from their influences, and with it what they say together:
:meth:`EffectSet.band` covers all of them at once, :meth:`EffectSet.adjusted_p_values` allows for
their number, :meth:`EffectSet.joint_test` asks whether there is any effect, and
:meth:`EffectSet.difference` compares two.

*Means*: the mean outcome at each level of a treatment, were everybody at that level;
:meth:`EffectSet.contrasts` makes effects of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_choice, check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.asked_in_words import asked_in_common
from causalkit.estimation.effect import Effect, Interval
from causalkit.estimation.inference import standard_error
from causalkit.estimation.simultaneous import (
    JointTest,
    adjust_p_values,
    joint_covariance,
    shared_rows,
    step_down,
    studentized_draws,
    sup_quantile,
    wald_test,
)
from causalkit.typing import FloatArray

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["EffectSet"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EffectSet(Reported):
    """Several effects, in order.

    Attributes
    ----------
    effects : tuple of Effect
    labels : tuple of str
        One an effect.
    reading : {"alternatives", "contrasts", "means"}
        Whether one of them is the truth, each answers its own question, or each is a mean outcome.
    estimand : object or None
    n_open : int
        Further alternatives that are not identified, so that nothing was estimated.

    Examples
    --------
    >>> low = Effect(value=1.0, std_error=0.5, n_obs=100, method="OLS")
    >>> high = Effect(value=2.0, std_error=0.5, n_obs=100, method="OLS")
    >>> either = EffectSet((low, high), ("given Z", "given Z, W"))
    >>> either.range
    (1.0, 2.0)
    >>> either.interval()
    Interval(lower=0.02002, upper=2.98, level=0.95)
    """

    effects: tuple[Effect, ...]
    labels: tuple[str, ...]
    reading: str = "alternatives"
    estimand: Any = None
    n_open: int = 0

    def __post_init__(self) -> None:
        check_choice(self.reading, "reading", ("alternatives", "contrasts", "means"))
        if not self.effects or len(self.effects) != len(self.labels):
            raise InputError(
                f"{len(self.effects)} effects and {len(self.labels)} labels; expected equally "
                "many, at least one."
            )

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest estimate."""
        values = [effect.value for effect in self.effects]
        return min(values), max(values)

    @property
    def identified(self) -> EffectSet:
        """The same without the alternatives that are not identified."""
        return replace(self, n_open=0)

    @property
    def n_obs(self) -> int:
        """Rows used."""
        return max(effect.n_obs for effect in self.effects)

    def interval(self, level: float = 0.95, *, covers: str = "effect") -> Interval:
        """Hull of the intervals of all effects.

        Parameters
        ----------
        level : float
            Between 0 and 1.
        covers : {"effect", "set"}
            What it covers that often: the true effect, which is one of them, or all of them at
            once, the identified set, for which each interval is as wide as a band needs.

        Notes
        -----
        Read as alternatives: whichever of them is the true effect, its own interval lies in the
        hull, so the hull covers **the true effect** with at least the stated probability, without a
        correction for their number. An alternative that the graph implies enters as the point it
        is. It need not cover **all alternatives at once** that often; `covers="set"` does. It
        speaks of the given alternatives only: if the graph (class) was itself learnt from these
        data, that uncertainty is not in it. If an alternative is not identified, nothing bounds the
        true effect, and the interval is the whole line; see `identified`.
        """
        check_fraction(level, "level")
        check_choice(covers, "covers", ("effect", "set"))
        if self.n_open:
            return Interval(-math.inf, math.inf, level)
        estimated = tuple(effect for effect in self.effects if not effect.implied)
        ends = [(effect.value, effect.value) for effect in self.effects if effect.implied]
        if covers == "effect" or not estimated:
            ends += [(own.lower, own.upper) for own in (e.interval(level) for e in estimated)]
        else:
            together = replace(self, effects=estimated, labels=("",) * len(estimated))
            ends += list(zip(*together.band(level), strict=True))
        return Interval(min(lower for lower, _ in ends), max(upper for _, upper in ends), level)

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        smallest, largest = map(format_value, self.range)
        if self.reading != "alternatives":
            what = "effect" if self.reading == "contrasts" else "mean outcome"
            if len(self) == 1:
                return f"1 {what}{self._asked}: {smallest}"
            return f"{len(self)} {what}s{self._asked}: {smallest} to {largest}"
        if self.n_open:
            known = f"one of {len(self)} possible effects: {smallest} to {largest}"
            found = smallest if len(self) == 1 else known
            return f"Either {found}, or not identified{self._asked}"
        lower, upper = map(format_value, self.interval())
        return (
            f"One of {len(self)} possible effects{self._asked}: {smallest} to {largest} "
            f"(95 % interval {lower} to {upper})"
        )

    @property
    def _asked(self) -> str:
        """What is compared, and on what, where levels with names are; else empty."""
        return asked_in_common(self.effects, self.reading)

    @property
    def values(self) -> FloatArray:
        """The estimates, shape (k,)."""
        return np.array([effect.value for effect in self.effects])

    @property
    def std_errors(self) -> FloatArray:
        """Their standard errors, shape (k,)."""
        return np.array([effect.std_error for effect in self.effects])

    @property
    def covariance(self) -> FloatArray:
        """Covariance matrix of the estimates, shape (k, k), from their influences.

        Raises
        ------
        InputError
            If an effect has no influence, or they rest on different rows.
        """
        return joint_covariance(self.effects)[0]

    def critical_value(self, level: float = 0.95) -> float:
        """Standard errors to either side of the estimates that make the band.

        Parameters
        ----------
        level : float
        """
        covariance, df = joint_covariance(self.effects)
        return sup_quantile(covariance, level, df)

    def band(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, shape (k,) each, that cover all effects at once (sup-t).

        Parameters
        ----------
        level : float

        Notes
        -----
        The quantile of the largest absolute t-value is from 50,000 normal draws of a fixed stream;
        for multipliers of other laws see
        :func:`~causalkit.estimation.multipliers.multiplier_bootstrap`.
        """
        half = self.critical_value(level) * self.std_errors
        return self.values - half, self.values + half

    def adjusted_p_values(self, method: str = "romano-wolf", null: float = 0.0) -> FloatArray:
        """P-values that allow for the number of tests: the chance of *any* false rejection.

        Parameters
        ----------
        method : {"romano-wolf", "holm", "bonferroni"}
            The first knows how the estimates are correlated and rejects most.
        null : float

        Returns
        -------
        ndarray of shape (k,)
        """
        check_choice(method, "method", ("romano-wolf", "holm", "bonferroni"))
        if method != "romano-wolf":
            p_values = np.array([effect.p_value(null) for effect in self.effects])
            return adjust_p_values(p_values, method)
        covariance, df = joint_covariance(self.effects)
        errors = self.std_errors
        distance = self.values - null
        sure = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
        t = np.divide(distance, errors, out=sure, where=errors > 0)
        return step_down(t, studentized_draws(covariance, df))

    def joint_test(self, null: float = 0.0) -> JointTest:
        """Wald test that all effects equal `null`.

        Parameters
        ----------
        null : float
        """
        covariance, df = joint_covariance(self.effects)
        return wald_test(self.values, covariance, df, null)

    def difference(self, which: int | str, other: int | str) -> Effect:
        """Effect `which` less effect `other`, with the standard error of the difference.

        Parameters
        ----------
        which, other : int or str
            Position or label.

        Returns
        -------
        Effect
            Without an estimator, so it cannot be refuted; refute the two.
        """
        first, second = self[which], self[other]
        influences, inference = shared_rows((first, second))
        influence = influences[:, 0] - influences[:, 1]
        known = [effect.df for effect in (first, second) if effect.df is not None]
        df = min(known) if known else None
        facts: dict[str, Any] = {}
        if first.problem is None:
            std_error = standard_error(influence)
        else:
            std_error, df, facts = inference.spread(influence, first.problem, df)
        labels = _less(self._label(which), self._label(other))
        return replace(
            first,
            value=first.value - second.value,
            std_error=std_error,
            influence=influence,
            df=df,
            details={
                **_of_outcome(first, second),
                **facts,
                "contrast": labels,
                "inference": inference,
            },
            estimator=None,
        )

    def contrasts(self, base: int | str | None = None) -> EffectSet:
        """All differences between two, or of all others from `base`.

        Parameters
        ----------
        base : int or str, optional
            Position or label.

        Returns
        -------
        EffectSet
            Labelled `"b − a"`, in the order (1, 0), (2, 0), (2, 1), …

        Raises
        ------
        InputError
            If there is one effect only.
        """
        if len(self) < 2:
            raise InputError("there is one effect only; expected two or more to compare.")
        places = range(len(self))
        if base is None:
            pairs = [(i, j) for i in places for j in range(i)]
        else:
            start = places[self._place(base)]
            pairs = [(i, start) for i in places if i != start]
        effects = tuple(self.difference(i, j) for i, j in pairs)
        labels = tuple(_less(self.labels[i], self.labels[j]) for i, j in pairs)
        return EffectSet(effects, labels, reading="contrasts", estimand=self.estimand)

    def to_frame(self, level: float = 0.95, *, joint: bool = False) -> pd.DataFrame:
        """Return one row an effect, indexed by label.

        Parameters
        ----------
        level : float
        joint : bool
            Add the ends of the band and Romano and Wolf's p-values.
        """
        import pandas as pd

        rows = [effect._row(level) for effect in self.effects]
        frame = pd.DataFrame(rows, index=pd.Index(self.labels))
        if joint:
            frame["band_lower"], frame["band_upper"] = self.band(level)
            frame["adjusted_p_value"] = self.adjusted_p_values()
        return frame

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the estimates with their intervals."""
        from causalkit.plotting import plot_effects

        return plot_effects(self, ax=ax, **style)

    def refute(self, *challenges: Any, **options: Any) -> Any:
        """Challenge every effect; see :func:`causalkit.refutation.refute`."""
        from causalkit.refutation import refute

        return refute(self, challenges or None, **options)

    def __len__(self) -> int:
        return len(self.effects)

    def __iter__(self) -> Iterator[Effect]:
        return iter(self.effects)

    def __getitem__(self, which: int | str) -> Effect:
        return self.effects[self._place(which)]

    def _place(self, which: int | str) -> int:
        """Position of a label or number."""
        if isinstance(which, str) and which in self.labels:
            return self.labels.index(which)
        if not isinstance(which, str) and -len(self) <= which < len(self):
            return which
        raise InputError(
            f"there is no effect {which!r} among {len(self)}; expected a position, or one of "
            f"{', '.join(map(repr, self.labels))}."
        )

    def _label(self, which: int | str) -> str:
        return self.labels[self._place(which)]

    def _methods(self) -> str:
        """How they were estimated: once, or label by label where they differ."""
        methods = [effect.method for effect in self.effects if not effect.implied]
        if len(set(methods)) < 2:
            return methods[0] if methods else self.effects[0].method
        pairs = zip(self.labels, self.effects, strict=True)
        return "; ".join(f"{label}: {effect.method}" for label, effect in pairs)

    def _report(self) -> Report:
        notes = ["The interval is for the true effect, whichever of these it is."]
        if self.reading != "alternatives":
            what = "effect" if self.reading == "contrasts" else "mean"
            notes = [
                f"Each interval covers its own {what}; they are not adjusted for their number "
                "(see band() and adjusted_p_values())."
            ]
        elif self.n_open:
            notes = [
                "In some members of the class the effect is not identified, whatever the data."
            ]
        rows = [
            (label, e.value, e.std_error, *e.interval(), e.p_value())
            for label, e in zip(self.labels, self.effects, strict=True)
        ]
        return Report(
            title=self.sentence,
            facts=[("method", self._methods()), ("rows", self.n_obs)],
            columns=(
                *(("mean at", "mean") if self.reading == "means" else ("effect of", "effect")),
                *("std. error", "lower", "upper", "p-value"),
            ),
            rows=rows,
            notes=notes,
        )


def _of_outcome(first: Effect, second: Effect) -> dict[str, Any]:
    """What both say of the outcome, if they say the same."""
    said = first.details.get("outcome")
    return {"outcome": said} if said is not None and said == second.details.get("outcome") else {}


def _less(label: str, other: str) -> str:
    """`"b − a"`, with brackets around what is a difference itself."""
    return " − ".join(f"({name})" if " − " in name else name for name in (label, other))
