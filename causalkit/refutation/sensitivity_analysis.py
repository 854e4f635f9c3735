"""`sensitivity`: from an estimated effect to its `HiddenBias`, with what was measured as yardstick.

A measured column is a yardstick: leave it out, see how much more of outcome and treatment is left
over, and suppose that what was not measured is as strong. For a linear regression the two partial
R² say it all, and leaving out costs nothing; a cross-fitted effect is estimated again without the
column. For AIPW the treatment's leftover is the mean squared error of the propensity, not the E[α²]
of :mod:`~causalkit.refutation.leftovers`, which a few propensities near 0 or 1 make erratic.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TypeAlias

import numpy as np

from causalkit._core.parallel import run
from causalkit._core.random import as_generator
from causalkit.errors import CausalkitError, InputError, UnknownVariableError
from causalkit.estimation.effect import Effect
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS
from causalkit.refutation.base import beyond_reach
from causalkit.refutation.hidden_bias import Benchmark, HiddenBias
from causalkit.refutation.leftovers import (
    REDUCED,
    Leftovers,
    estimator_of,
    formula_of,
    leftovers_of,
    linear_leftovers,
    not_derived,
    problem_of,
)
from causalkit.refutation.omitted_variable import benchmark_strength
from causalkit.refutation.reduced_forms import has_reduced_form, reduced_form
from causalkit.refutation.refits import refit
from causalkit.typing import FloatArray, Name, RandomState

__all__ = ["sensitivity"]

STRONGEST = 0.95
"""Share of the treatment that a hidden cause may explain; stronger benchmarks are scaled to it."""


_Group: TypeAlias = tuple[str, list[int]]


def sensitivity(
    effect: Effect,
    *,
    benchmarks: Iterable[Name | tuple[Name, ...]] | Name | None = None,
    times: float = 1.0,
    n_benchmarks: int = 5,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> HiddenBias:
    """How strong a hidden common cause would have to be to overturn an effect.

    Parameters
    ----------
    effect : Effect
    benchmarks : names, or tuples of names, optional
        Measured columns to compare a hidden cause with; a tuple is one benchmark, its columns taken
        together. By default each adjustment column (indicators of one category together).
    times : float
        How many times as strong as the benchmark the hidden cause is.
    n_benchmarks : int
        Without `benchmarks`, and for a cross-fitted effect, which has to be estimated again without
        each: only so many, those that matter most in a linear regression.
    random_state : int, Generator or None, default 0
        For estimating again, if the estimator has no seed of its own.
    n_jobs : int, optional

    Returns
    -------
    HiddenBias
        Robustness values, benchmarks, contours; prints as a table.

    Raises
    ------
    InputError
        If the effect has no data, or nothing but itself to explain.
    UnknownVariableError
        If a benchmark is not among the adjustment columns.

    Notes
    -----
    **Assumes:** the hidden cause is no effect of the treatment; and, for benchmarks only, what is
    hidden is what the measured columns do not already explain.

    Of an effect by one instrument, the reduced form is judged (the effect of the instrument on the
    outcome, in whose units everything is): the effect is zero exactly where it is. Bounds of the
    effect itself are those of :func:`~causalkit.refutation.reduced_forms.instrument_sensitivity`.

    References
    ----------
    Cinelli & Hazlett (2020), "Making sense of sensitivity: extending omitted variable bias", JRSS-B
    82, 39-67. doi:10.1111/rssb.12348
    Chernozhukov, Cinelli, Newey, Sharma & Syrgkanis (2022), "Long story short: omitted variable
    bias in causal machine learning", doi:10.3386/w30302

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.estimation import OLS
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=400)
    >>> t = 0.5 * age + rng.normal(size=400)
    >>> y = t + 0.5 * age + rng.normal(size=400)
    >>> effect = OLS().fit({"age": age}, y, t=t).effect_
    >>> bias = sensitivity(effect)
    >>> bool(0.5 < bias.robustness_value() < 0.7)
    True
    >>> bias.benchmarks[0].label
    'age'
    """
    if reason := beyond_reach(effect):
        raise InputError(f"{reason} Expected an effect estimated from data.")
    problem = problem_of(effect)
    if type(problem) is not Problem:
        raise InputError(
            f"the effect comes from a {type(problem).__name__}, not from adjustment; hidden common "
            "causes are bounded for effects of adjustment only. Use a check made for its design."
        )
    if has_reduced_form(effect):
        effect, instrument = reduced_form(effect), f"{problem.others['z'].names[0]}"
        problem = problem_of(effect)
        form = f"{REDUCED}, the effect of {instrument} on {problem.outcome}: {formula_of(effect)}"
    elif reason := not_derived(effect):
        raise InputError(f"{reason} Expected an effect by adjustment, or by one instrument.")
    else:
        form = formula_of(effect)
    rng = as_generator(random_state)
    left = leftovers_of(effect)
    linear = left.df > 0
    return HiddenBias(
        estimate=effect.value,
        std_error=effect.std_error,
        bias_scale=left.scale,
        df=left.df if linear else None,
        formula=form,
        benchmarks=_benchmarks(effect, left, benchmarks, times, n_benchmarks, rng, n_jobs),
        influence=None if linear else effect.influence,
        scale_influence=None
        if linear
        else estimator_of(effect).influence(problem, left.scale_influence),
        spread=partial(_std_error, effect),
        interval_df=_interval_df(effect, left),
    )


def _std_error(effect: Effect, influence: FloatArray) -> float:
    return estimator_of(effect).spread(influence, problem_of(effect))[0]


def _interval_df(effect: Effect, left: Leftovers) -> float | None:
    problem = problem_of(effect)
    if problem.groups is not None or problem.steps is not None:
        return effect.df
    return left.df - 1 if left.df > 0 else None


# --- benchmarks ----------------------------------------------------------------------------------


def _benchmarks(
    effect: Effect,
    left: Leftovers,
    wanted: Iterable[Name | tuple[Name, ...]] | Name | None,
    times: float,
    n_benchmarks: int,
    rng: np.random.Generator,
    n_jobs: int | None,
) -> tuple[Benchmark, ...]:
    """Benchmarks in order of the bias they would do, strongest first."""
    problem = problem_of(effect)
    groups = _groups(problem, wanted)
    if problem.supplied:
        return ()  # supplied nuisances cannot be learnt again without a column
    if left.df > 0:
        found = [_linear_benchmark(effect, left, *group, times) for group in groups]
        return _strongest_first(found)
    if wanted is None and len(groups) > n_benchmarks:
        groups = _leading(effect, groups)[:n_benchmarks]
    jobs = [
        (effect, left, *group, times, stream)
        for group, stream in zip(groups, rng.spawn(len(groups)), strict=True)
    ]
    return _strongest_first(run(_refitted_benchmark, jobs, n_jobs=n_jobs, label="benchmarks"))


def _strongest_first(found: Iterable[Benchmark | None]) -> tuple[Benchmark, ...]:
    """Those that could be computed, in order of harm."""
    return tuple(sorted((b for b in found if b is not None), key=lambda b: -_harm(b)))


def _leading(effect: Effect, groups: list[_Group]) -> list[_Group]:
    """Groups in the order of what they would do in a linear regression, as far as there is one."""
    problem = problem_of(effect)
    try:
        left = linear_leftovers(effect, problem, problem.X)
    except InputError:
        return groups
    harm = []
    for group in groups:
        found = _linear_benchmark(effect, left, *group, 1.0)
        harm.append(0.0 if found is None else _harm(found))
    return [groups[k] for k in np.argsort(-np.array(harm), kind="stable")]


def _linear_benchmark(
    effect: Effect, left: Leftovers, label: str, columns: list[int], times: float
) -> Benchmark | None:
    """Partial R² of the columns, from the regression with and without them."""
    problem = problem_of(effect)
    X = np.delete(problem.X, columns, axis=1)
    try:
        short = linear_leftovers(effect, problem, X)
    except (CausalkitError, ValueError):  # a transformer may need the columns it knows
        return None
    r2_outcome = min(max(1 - left.sigma2 / short.sigma2, 0.0), 1.0) if short.sigma2 else 0.0
    r2_treatment = min(max(1 - short.nu2 / left.nu2, 0.0), 1 - 1e-9)
    feasible = min(times, STRONGEST * (1 - r2_treatment) / max(r2_treatment, 1e-300))
    strength = benchmark_strength(r2_outcome, r2_treatment, times=feasible)
    shift = np.nan
    if isinstance(effect.estimator, OLS):
        shift = _without(effect, columns, None).value - effect.value
    return Benchmark(_times(label, feasible), *strength, shift)


def _refitted_benchmark(
    effect: Effect,
    left: Leftovers,
    label: str,
    columns: list[int],
    times: float,
    rng: np.random.Generator,
) -> Benchmark | None:
    """How much more is left over without the columns, with the effect estimated again."""
    try:
        without = _without(effect, columns, rng)
    except (CausalkitError, ValueError):
        return None
    short = leftovers_of(without)
    gain_outcome = max(short.sigma2 / left.sigma2 - 1, 0.0) if left.sigma2 else 0.0
    gain_treatment = max(short.treatment / left.treatment - 1, 0.0)
    feasible = min(times, STRONGEST / max(gain_treatment, 1e-300))
    return Benchmark(
        _times(label, feasible),
        min(1.0, feasible * gain_outcome),
        feasible * gain_treatment,
        without.value - effect.value,
    )


def _without(effect: Effect, columns: list[int], rng: np.random.Generator | None) -> Effect:
    """Estimate without these columns: same seed if there is one, so that the folds are the same."""
    problem = problem_of(effect)
    kept = [k for k in range(problem.X.shape[1]) if k not in columns]
    smaller = problem.replace(
        X=np.ascontiguousarray(problem.X[:, kept]),
        adjustment=tuple(problem.adjustment[k] for k in kept),
    )
    return refit(effect.estimator, smaller, rng, keep_seed=True)


def _groups(
    problem: Problem, wanted: Iterable[Name | tuple[Name, ...]] | Name | None
) -> list[_Group]:
    """Label and columns of each benchmark; the indicators of one category belong together."""
    sources: dict[str, list[int]] = {}
    for k, label in enumerate(problem.adjustment):
        sources.setdefault(label.partition("=")[0], []).append(k)
        sources.setdefault(label, [k])
    if wanted is None:
        names = dict.fromkeys(label.partition("=")[0] for label in problem.adjustment)
        return [(name, sources[name]) for name in names]
    groups = []
    for entry in [wanted] if isinstance(wanted, (str, int)) else wanted:
        parts = [str(part) for part in (entry if isinstance(entry, tuple) else (entry,))]
        for part in parts:
            if part not in sources:
                raise UnknownVariableError.among(part, sources, where="the adjustment set")
        columns = sorted({k for part in parts for k in sources[part]})
        groups.append((" & ".join(parts), columns))
    return groups


def _harm(benchmark: Benchmark) -> float:
    """Bias that the benchmark would do, up to the common scale."""
    r = min(benchmark.r2_treatment, 1 - 1e-12)
    return float(np.sqrt(benchmark.r2_outcome * r / (1 - r)))


def _times(label: str, times: float) -> str:
    return label if times == 1 else f"{times:.3g} × {label}"
