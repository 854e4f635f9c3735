"""`EffectsMatrix`: the effect of each variable on each other one, and how sure each is.

Rows are treatments, columns outcomes. A cell is of one of four kinds:

* *estimated*: the graph gives one adjustment set, so there is one number, with its standard error,
  its p-value, and a p-value that allows for the number of all that were estimated;
* *no path*: the graph has no causal path, so the effect is zero whatever the data say;
* *possible range*: the graph is a class whose members differ; the effect is one of a few numbers,
  and the smallest and the largest are kept;
* *not identified*: no adjustment set gives the effect.

Only estimated effects are tested. Of a range the question "is there any effect?" is one for the
graph first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported, format_value
from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation.effect import Interval, quantile
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["EffectsMatrix", "PairEffect"]

_SHOWN: Final = 10
_KINDS: Final = ("estimated", "possible range", "no path", "not identified")
_WORDS: Final = {
    "romano-wolf": "Romano-Wolf (no false finding)",
    "holm": "Holm (no false finding)",
    "bonferroni": "Bonferroni (no false finding)",
    "bh": "Benjamini-Hochberg (share of false findings)",
    "by": "Benjamini-Yekutieli (share of false findings)",
    None: "none",
}


class PairEffect(NamedTuple):
    """One answer for one pair.

    Attributes
    ----------
    adjustment : tuple of names, or None
        What was adjusted for; None: no effect, by the graph.
    value, std_error : float
        Zero both where there is no effect.
    df : float
        Degrees of freedom; infinite where there is nothing to estimate.
    """

    adjustment: tuple[Name, ...] | None
    value: float
    std_error: float
    df: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EffectsMatrix(Reported):
    """Total effects of treatments on outcomes, all from one data set and one graph.

    `effects[treatment, outcome]` are the answers for one pair.

    Attributes
    ----------
    treatments, outcomes : tuple of names
    answers : mapping of (treatment, outcome) to tuple of PairEffect
        One answer where the effect is estimated or zero, several where members of the class
        differ, none where it is not identified.
    p_values, adjusted : ndarray of shape (n_treatments, n_outcomes)
        Of "no effect", as such and corrected for the number of tests; NaN where nothing was
        estimated.
    ratios : ndarray of shape (n_treatments, n_outcomes)
        Standard deviation of the treatment by that of the outcome: what an effect is multiplied
        with to be in standard deviations.
    n_obs : float
        Rows; infinite for the covariance of a population.
    covariance : str
        Kind of the standard errors.
    adjustment : str
        How covariates were chosen.
    correction : str or None
    ones : mapping of name to level
        What counts as 1 in a column of two levels with names, so that an effect on it is one on the
        chance of that level.

    Notes
    -----
    **Assumes:** what :func:`~causalkit.workflow.effects_matrix` does: the graph is right, effects
    are linear.
    """

    treatments: tuple[Name, ...]
    outcomes: tuple[Name, ...]
    answers: Mapping[tuple[Name, Name], tuple[PairEffect, ...]]
    p_values: FloatArray
    adjusted: FloatArray
    ratios: FloatArray
    n_obs: float
    covariance: str
    adjustment: str
    correction: str | None
    ones: Mapping[Name, object] = field(default_factory=dict)

    def __getitem__(self, pair: tuple[Name, Name]) -> tuple[PairEffect, ...]:
        if pair in self.answers:
            return self.answers[pair]
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise InputError(f"{pair!r}; expected a pair: effects[treatment, outcome].")
        for name, known in zip(pair, (self.treatments, self.outcomes), strict=True):
            if name not in known:
                raise UnknownVariableError.among(name, known)
        raise InputError(f"{pair[0]!r} is both treatment and outcome; expected two variables.")

    @property
    def matrix(self) -> FloatArray:
        """Effects, shape (n_treatments, n_outcomes): zero without a path, NaN without one answer.

        NaN, too, for a variable and itself. `[i, j]` is the effect of one unit more of treatment i
        on outcome j.
        """
        return self._cells(lambda found: found[0].value if len(found) == 1 else np.nan)

    @property
    def std_errors(self) -> FloatArray:
        """Standard errors, of the same shape; NaN where nothing was estimated."""
        return self._cells(
            lambda found: found[0].std_error if _status(found) == "estimated" else np.nan
        )

    @property
    def smallest(self) -> FloatArray:
        """Smallest possible effect; NaN if not identified."""
        return self._cells(lambda found: min((one.value for one in found), default=np.nan))

    @property
    def largest(self) -> FloatArray:
        """Largest possible effect; NaN if not identified."""
        return self._cells(lambda found: max((one.value for one in found), default=np.nan))

    @property
    def status(self) -> NDArray[np.object_]:
        """Kind of each cell; an empty text for a variable and itself."""
        found = np.full((len(self.treatments), len(self.outcomes)), "", dtype=object)
        for i, j, answers in self._each():
            found[i, j] = _status(answers)
        return found

    def interval(self, treatment: Name, outcome: Name, level: float = 0.95) -> Interval:
        """Interval of one effect; of a range, the hull of those of all possible effects.

        Parameters
        ----------
        treatment, outcome : str or int
        level : float

        Returns
        -------
        Interval
            The whole line if the effect is not identified. It is not widened for the number of
            effects.
        """
        check_fraction(level, "level")
        return Interval(*_ends(self[treatment, outcome], level), level)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row a pair, in the order of treatments and outcomes.

        Parameters
        ----------
        level : float
            Of the interval.

        Returns
        -------
        DataFrame
            treatment, outcome, status ("estimated", "no path", "possible range", "not
            identified"), effect, std_error, p_value, adjusted, smallest, largest, lower, upper
            (ends of :meth:`interval`), adjusted_for (a tuple, where there is one answer). Where
            there is no path, the effect is zero because the graph says so: nothing was estimated,
            and errors and interval are NaN.
        """
        import pandas as pd

        check_fraction(level, "level")
        rows = []
        for i, j, found in self._each():
            only = found[0] if len(found) == 1 else None
            kind = _status(found)
            values = [one.value for one in found] or [np.nan]
            ends = (np.nan, np.nan) if kind == "no path" else _ends(found, level)
            rows.append(
                (
                    self.treatments[i],
                    self.outcomes[j],
                    kind,
                    np.nan if only is None else only.value,
                    only.std_error if only is not None and kind == "estimated" else np.nan,
                    self.p_values[i, j],
                    self.adjusted[i, j],
                    min(values),
                    max(values),
                    *ends,
                    None if only is None else only.adjustment,
                )
            )
        columns = ["treatment", "outcome", "status", "effect", "std_error", "p_value", "adjusted"]
        columns += ["smallest", "largest", "lower", "upper", "adjusted_for"]
        return pd.DataFrame(rows, columns=columns)

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw a heat map; see :func:`~causalkit.plotting.plot_effects_matrix`."""
        from causalkit.plotting.heat_map import plot_effects_matrix

        return plot_effects_matrix(self, ax, **style)

    def _each(self) -> list[tuple[int, int, tuple[PairEffect, ...]]]:
        """Cells with two variables: row, column, answers."""
        return [
            (i, j, self.answers[x, y])
            for i, x in enumerate(self.treatments)
            for j, y in enumerate(self.outcomes)
            if x != y
        ]

    def _cells(self, number: Any) -> FloatArray:
        found = np.full((len(self.treatments), len(self.outcomes)), np.nan)
        for i, j, answers in self._each():
            found[i, j] = number(answers)
        return found

    def _ranges(self) -> list[str]:
        """What the members of the class disagree on, those with the largest sure effect first."""
        open_ones = [
            (min(abs(one.value) for one in found), i, j, sorted(one.value for one in found))
            for i, j, found in self._each()
            if len(found) > 1
        ]
        open_ones.sort(key=lambda row: -row[0])
        listed = [
            f"{self.treatments[i]} → {self.outcomes[j]}: {format_value(values[0])} to "
            f"{format_value(values[-1])} (at least {format_value(least)} in size)"
            for least, i, j, values in open_ones[:_SHOWN]
        ]
        if not listed:
            return []
        more = len(open_ones) - len(listed)
        tail = [f"And {more} more ranges: see to_frame()."] if more else []
        return ["Members of the class differ, the largest sure effect first (IDA):", *listed, *tail]

    def _report(self) -> Report:
        kinds = [_status(found) for _, _, found in self._each()]
        counts = ", ".join(f"{kinds.count(k)} {k}" for k in _KINDS if k in kinds)
        tested = np.argwhere(np.isfinite(self.adjusted)).tolist()
        values, errors = self.matrix, self.std_errors
        size = np.abs(values) / np.where(errors > 0, errors, 1.0)
        tested.sort(key=lambda at: (self.adjusted[*at], self.p_values[*at], -size[*at]))
        rows = [
            (
                f"{self.treatments[i]} → {self.outcomes[j]}",
                *(float(kept[i, j]) for kept in (values, errors, self.p_values, self.adjusted)),
            )
            for i, j in tested[:_SHOWN]
        ]
        more = len(tested) - len(rows)
        notes = [f"And {more} more: see to_frame()."] if more > 0 else []
        notes += self._ranges()
        causes = {self.treatments[i] for i, _, _ in self._each()}
        shown = {*causes, *self.outcomes}
        ones = [f"{name} = {level}" for name, level in self.ones.items() if name in shown]
        return Report(
            title=f"Total effects of {len(causes)} on {len(self.outcomes)} variable(s)",
            facts=[
                ("pairs", counts or "none"),
                ("rows", format_value(self.n_obs)),
                ("standard errors", self.covariance),
                ("correction", _WORDS[self.correction]),
                *([("counted as 1", ", ".join(ones))] if ones else []),
            ],
            columns=("effect of", "effect", "std. error", "p-value", "adjusted") if rows else (),
            rows=rows,
            notes=notes,
        )


def _status(found: tuple[PairEffect, ...]) -> str:
    if not found:
        return "not identified"
    if len(found) > 1:
        return "possible range"
    return "no path" if found[0].adjustment is None else "estimated"


def _ends(found: tuple[PairEffect, ...], level: float) -> tuple[float, float]:
    """Hull of the intervals of all answers."""
    if not found:
        return -np.inf, np.inf
    halves = [
        quantile(0.5 + level / 2, one.df) * one.std_error if one.std_error > 0 else 0.0
        for one in found
    ]
    lower = min(one.value - half for one, half in zip(found, halves, strict=True))
    upper = max(one.value + half for one, half in zip(found, halves, strict=True))
    return lower, upper
