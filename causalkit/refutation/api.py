"""`refute`: put all questions to an effect, and get one table of answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.refutation.base import FAILS, NOT_INFORMATIVE, PASSES, Challenge, Check, Verdict
from causalkit.refutation.dummy_outcome import DummyOutcome
from causalkit.refutation.e_values import EValue
from causalkit.refutation.hidden_common_cause import HiddenCommonCause
from causalkit.refutation.placebo import PlaceboTreatment
from causalkit.refutation.stability import DataSubset, RandomCommonCause
from causalkit.typing import RandomState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Challenges", "default_checks", "refute"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Challenges(Reported):
    """What came of all checks, in order; iterate, index by position or name, or print.

    Attributes
    ----------
    challenges : tuple of Challenge
    effect : Effect or EffectSet
        What was challenged.
    """

    challenges: tuple[Challenge, ...]
    effect: Effect | EffectSet

    @property
    def verdict(self) -> Verdict:
        """Of the tests: "fails" if one fails, "passes" if one passes, else "not informative"."""
        verdicts = {challenge.verdict for challenge in self.challenges if challenge.is_test}
        for verdict in (FAILS, PASSES):
            if verdict in verdicts:
                return verdict
        return NOT_INFORMATIVE

    @property
    def summary(self) -> str:
        """One line: how many passed, failed, were not informative."""
        if not self.challenges:
            return "no checks were made"
        passed = [c.name for c in self.challenges if c.passes]
        failed = [c.name for c in self.challenges if c.fails and c.is_test]
        fragile = [c.name for c in self.challenges if c.fails and not c.is_test]
        silent = len(self.challenges) - len(passed) - len(failed) - len(fragile)
        if silent == len(self.challenges):
            return f"none of {silent} checks is informative"
        parts = [f"{len(passed)} of {len(self.challenges)} checks pass"]
        if failed:
            parts.append(f"{len(failed)} fail: {', '.join(failed)}")
        if fragile:
            parts.append(f"fragile: {', '.join(fragile)}")
        if silent:
            parts.append(f"{silent} not informative")
        return "; ".join(parts)

    @property
    def failed(self) -> tuple[Challenge, ...]:
        """Those that fail."""
        return tuple(c for c in self.challenges if c.fails)

    def __iter__(self) -> Iterator[Challenge]:
        return iter(self.challenges)

    def __len__(self) -> int:
        return len(self.challenges)

    def __getitem__(self, which: int | str) -> Challenge:
        if isinstance(which, int):
            return self.challenges[which]
        for challenge in self.challenges:
            if challenge.name == which:
                return challenge
        names = ", ".join(repr(c.name) for c in self.challenges)
        raise InputError(f"no check is called {which!r}; expected one of {names}.")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a check: verdict, estimate, std_error, p_value, power, sentence."""
        import pandas as pd

        columns = ("verdict", "estimate", "std_error", "p_value", "power", "sentence")
        rows = [{column: getattr(c, column) for column in columns} for c in self.challenges]
        index = pd.Index([c.name for c in self.challenges], name="check")
        frame = pd.DataFrame(rows, index=index, columns=list(columns))
        numeric = ["estimate", "std_error", "p_value", "power"]
        return frame.astype(dict.fromkeys(numeric, "float64"))

    def plot(self, ax: Axes | None = None, **style: Any) -> Axes:
        """Draw the estimates under challenge beside the estimate and its interval."""
        from causalkit.plotting.challenges import plot_challenges

        return plot_challenges(self, ax=ax, **style)

    def _report(self) -> Report:
        rows = [(c.name, c.verdict, c.estimate, c.p_value, c.power) for c in self.challenges]
        notes = [f"{c.name}: {c.sentence}" for c in self.challenges]
        return Report(
            title=f"Challenges: {self.summary}",
            columns=("check", "verdict", "effect under challenge", "p-value", "power"),
            rows=rows,
            notes=[
                *notes,
                "No check can show that an effect is causal; each looks for one way to be wrong.",
            ],
        )


def default_checks() -> tuple[Check, ...]:
    """Return the checks that `refute` makes if none are named."""
    return (
        PlaceboTreatment(),
        DummyOutcome(),
        RandomCommonCause(),
        DataSubset(),
        HiddenCommonCause(),
        EValue(),
    )


def refute(
    effect: Effect | EffectSet,
    checks: Check | Iterable[Any] | None = None,
    *,
    n_simulations: int = 20,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> Challenges:
    """Challenge an effect.

    Parameters
    ----------
    effect : Effect or EffectSet
        Each effect of a set is challenged.
    checks : check or iterable of checks, optional
        Such as `PlaceboTreatment()` or `DataSubset(share=0.8)`; all of :func:`default_checks` if
        none are given.
    n_simulations : int
        Refits a check may make, unless it says otherwise itself. In all, the estimator is fitted
        about three times as often. Power grows with it: each result tells its own.
    random_state : int, Generator or None, default 0
        The same seed gives the same verdicts, whatever `n_jobs`.
    n_jobs : int, optional
        Refits run in parallel.

    Returns
    -------
    Challenges
        Iterable; prints as a table with one sentence a check.

    Raises
    ------
    InputError
        If something that is not an effect, or not a check, was given.

    Notes
    -----
    **Assumes:** what each check assumes. Passing all of them does not make an effect causal: that
    there is no hidden common cause cannot be tested, only how strong one would have to be.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import OLS
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=500)
    >>> t = age + rng.normal(size=500)
    >>> y = t + age + rng.normal(size=500)
    >>> effect = OLS().fit({"age": age}, y, t=t).effect_
    >>> challenges = refute(effect, [PlaceboTreatment(), DataSubset()], random_state=0)
    >>> [c.verdict for c in challenges]
    ['passes', 'passes']
    """
    if not isinstance(effect, (Effect, EffectSet)):
        raise InputError(
            f"cannot challenge a {type(effect).__name__}; expected an Effect, as estimate() and "
            "estimator.fit(...).effect_ give."
        )
    check_count(n_simulations, "n_simulations", minimum=2)
    chosen = _flat(default_checks() if checks is None else checks)
    rng = as_generator(random_state)
    members = (
        [(None, effect)]
        if isinstance(effect, Effect)
        else list(zip(effect.labels, effect.effects, strict=True))
    )
    found: list[Challenge] = []
    for label, member in members:
        for check, stream in zip(chosen, rng.spawn(len(chosen)), strict=True):
            outcome = check.challenge(
                member, n_simulations=n_simulations, rng=stream, n_jobs=n_jobs
            )
            found.append(
                outcome if label is None else replace(outcome, name=f"{outcome.name}, {label}")
            )
    return Challenges(tuple(found), effect)


def _flat(checks: Check | Iterable[Any]) -> list[Check]:
    if isinstance(checks, Check) and not isinstance(checks, type):
        return [checks]
    if isinstance(checks, Iterable) and not isinstance(checks, (str, bytes)):
        return [check for entry in checks for check in _flat(entry)]
    hint = f" Did you mean {checks.__name__}()?" if isinstance(checks, type) else ""
    raise InputError(
        f"{checks!r} is not a check; expected PlaceboTreatment(), DataSubset(share=0.8) and the "
        f"like.{hint}"
    )
