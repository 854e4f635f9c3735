"""`EffectSet`: several effects that belong together.

*Alternatives*: the graph leaves open which of several effects is the true one, because an edge is
not oriented, and each alternative is identified by another adjustment set. The truth is then a set.
:meth:`EffectSet.interval` covers it: the hull of the intervals of all alternatives.

*Contrasts*: a treatment with several levels, each compared with the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from causalkit._core.checks import check_choice
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect, Interval

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
    reading : {"alternatives", "contrasts"}
        Whether one of them is the truth, or each answers its own question.
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
        check_choice(self.reading, "reading", ("alternatives", "contrasts"))
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

    def interval(self, level: float = 0.95) -> Interval:
        """Hull of the intervals of all effects.

        Parameters
        ----------
        level : float
            Between 0 and 1.

        Notes
        -----
        Read as alternatives: whichever of them is the true effect, its own interval lies in the
        hull, so the hull covers **the true effect** with at least the stated probability, without a
        correction for their number. An alternative that the graph implies enters as the point it
        is. It need not cover **all alternatives at once** that often. It
        speaks of the given alternatives only: if the graph (class) was itself learnt from these
        data, that uncertainty is not in it. If an alternative is not identified, nothing bounds the
        true effect, and the interval is the whole line; see `identified`.
        """
        if self.n_open:
            return Interval(-math.inf, math.inf, level)
        ends = [
            (effect.value, effect.value) if effect.implied else tuple(effect.interval(level))
            for effect in self.effects
        ]
        return Interval(min(lower for lower, _ in ends), max(upper for _, upper in ends), level)

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        smallest, largest = map(format_value, self.range)
        if self.reading == "contrasts":
            return f"{len(self)} effects: {smallest} to {largest}"
        if self.n_open:
            known = f"one of {len(self)} possible effects: {smallest} to {largest}"
            return f"Either {smallest if len(self) == 1 else known}, or not identified"
        lower, upper = map(format_value, self.interval())
        return (
            f"One of {len(self)} possible effects: {smallest} to {largest} "
            f"(95 % interval {lower} to {upper})"
        )

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row an effect, indexed by label."""
        import pandas as pd

        frame = pd.concat([effect.to_frame(level) for effect in self.effects])
        frame.index = pd.Index(self.labels)
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
        return self.effects[self.labels.index(which) if isinstance(which, str) else which]

    def _report(self) -> Report:
        notes = ["The interval is for the true effect, whichever of these it is."]
        if self.reading == "contrasts":
            notes = ["Each interval covers its own effect; they are not adjusted for their number."]
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
            facts=[("method", self.effects[-1].method), ("rows", self.n_obs)],
            columns=("effect of", "effect", "std. error", "lower", "upper", "p-value"),
            rows=rows,
            notes=notes,
        )
