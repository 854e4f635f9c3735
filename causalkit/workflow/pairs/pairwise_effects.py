"""`effects_matrix`: every identified total effect of a graph, from one covariance matrix.

In a linear model the total effect of X on Y is a regression coefficient: that of X, with a valid
adjustment set held fixed. All coefficients of all regressions follow from one covariance matrix,
so a hundred variables cost little more than one question:

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> Z = rng.normal(size=2000)
>>> X = 0.8 * Z + rng.normal(size=2000)
>>> Y = 0.5 * X + 0.7 * Z + rng.normal(size=2000)
>>> effects = effects_matrix("Z -> X -> Y; Z -> Y", {"Z": Z, "X": X, "Y": Y})
>>> effects.matrix.round(1)
array([[nan, 0.8, 1.1],
       [0. , nan, 0.5],
       [0. , 0. , nan]])

Many effects are many chances to find one that is not there. p-values are therefore corrected for
their number, by default by Romano and Wolf's step-down method: effects of one data set depend on
each other, their joint distribution is known from the influences of the rows, and using it finds
more than Bonferroni does.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from causalkit._core.checks import as_names, check_choice
from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation.simultaneous import adjust_p_values, step_down
from causalkit.graph import CausalGraph
from causalkit.identification.query import GraphLike, as_graph
from causalkit.typing import Data, FloatArray, IntArray, Name, Names
from causalkit.workflow.pairs.effect_matrix import EffectsMatrix, PairEffect
from causalkit.workflow.pairs.pair_answers import Choices, choices_of_pairs
from causalkit.workflow.pairs.pair_regressions import Fits, Question, fit_all, null_draws
from causalkit.workflow.pairs.pair_samples import Sample, sample_of_matrix, sample_of_rows

__all__ = ["effects_matrix"]

_COVARIANCES: Final = ("HC1", "HC0", "classical")
_CORRECTIONS: Final = ("romano-wolf", "holm", "bonferroni", "bh", "by", None)
_MOST_JOINT: Final = 8_000
_N_DRAWS: Final = 5_000
_NO_EFFECT: Final = PairEffect(None, 0.0, 0.0, np.inf)

Pair: TypeAlias = tuple[Name, Name]


def effects_matrix(
    graph: GraphLike,
    data: Data,
    *,
    treatments: Names | None = None,
    outcomes: Names | None = None,
    adjustment: str = "optimal",
    covariance: str | None = None,
    correction: str | None = "romano-wolf",
    n_obs: float | None = None,
) -> EffectsMatrix:
    """Estimate the total effects of all variables on all others by linear adjustment.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        DAG, CPDAG (background knowledge is welcome), ADMG, MAG or PAG. Variables that the data
        lack are taken as hidden.
    data : table, or covariance matrix
        Rows of numeric, boolean or two-level columns without holes; columns that the graph lacks
        are not read. With `n_obs`, a covariance or correlation matrix: an array in the order of the
        graph's nodes, or a frame with their names.
    treatments, outcomes : name or names, optional
        Left out, all variables of the graph that the data have.
    adjustment : {"optimal", "parents"}
        The set of least variance (where theory knows it, else a minimal set), as
        :func:`~causalkit.identification.identify` takes; or the direct causes of the treatment,
        which are valid in a DAG without hidden variables and vary more.
    covariance : {"HC1", "HC0", "classical"}, optional
        Standard errors that allow for unequal variances, or those for rows that are jointly normal,
        which need no rows. Left out, "HC1" with rows and "classical" without.
    correction : {"romano-wolf", "holm", "bonferroni", "bh", "by"} or None
        How p-values allow for the number of estimated effects. The first three control the chance
        of any false finding; Benjamini & Hochberg's and Benjamini & Yekutieli's the expected share
        of false findings, the latter under any dependence.
    n_obs : float, optional
        Rows behind a covariance matrix; `math.inf` for the matrix of a population, of which effects
        have no standard errors.

    Returns
    -------
    EffectsMatrix

    Raises
    ------
    InputError
        If data and graph have no two variables in common, a column cannot be used, a covariance
        matrix is none, there are too few rows, or settings do not fit together.
    NumericalError
        If a treatment is a linear combination of what it has to be adjusted for.
    NotIdentifiableError
        If the edges at a treatment in a CPDAG can be oriented in more than 10,000 ways.

    Notes
    -----
    **Assumes:**

    - the graph, or one member of the class, is the true causal graph, and it was not learnt from
      these rows (p-values do not know of a search; see
      :func:`~causalkit.workflow.learnt_effect`);
    - effects are linear, without interactions: then the coefficient is the total effect of one
      unit. Else it is a weighted average of effects, if the treatment is linear in the covariates;
    - rows are independent; with "classical", jointly normal.

    Only adjustment is used: an effect that has a front door or an instrument and no adjustment
    set counts as not identified here. "No path" is a statement of the graph, and not tested.

    In a CPDAG a pair has several answers if the members differ, as in IDA. The p-values are those
    of Student's distribution; Romano and Wolf's compare with 5,000 draws from the joint
    distribution of the t-statistics, in a fixed stream, so that the same data give the same
    numbers. Their time grows with the square of the number of effects; "holm" and "by" need none.

    References
    ----------
    Henckel, Perković, Maathuis (2022), "Graphical criteria for efficient total effect estimation
    via adjustment in causal linear models", doi:10.1111/rssb.12451. Maathuis, Kalisch, Bühlmann
    (2009), "Estimating high-dimensional intervention effects from observational data",
    doi:10.1214/09-AOS685. Romano & Wolf (2005), "Exact and approximate stepdown methods for
    multiple hypothesis testing", doi:10.1198/016214504000000539. Benjamini & Hochberg (1995),
    "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
    doi:10.1111/j.2517-6161.1995.tb02031.x. Benjamini & Yekutieli (2001), "The control of the false
    discovery rate in multiple testing under dependency", doi:10.1214/aos/1013699998.

    Examples
    --------
    A population, of which only the covariance is known:

    >>> cov = [[1.0, 0.5, 0.25], [0.5, 1.25, 0.625], [0.25, 0.625, 1.3125]]
    >>> effects = effects_matrix("A -> B -> C", cov, n_obs=np.inf)
    >>> effects.matrix
    array([[ nan, 0.5 , 0.25],
           [0.  ,  nan, 0.5 ],
           [0.  , 0.  ,  nan]])

    In a class of graphs that differ in an effect, all answers:

    >>> effects = effects_matrix("CPDAG: A -- B -- C", cov, n_obs=500)
    >>> effects["B", "C"]
    (PairEffect(...), PairEffect(adjustment=None, value=0.0, std_error=0.0, df=inf))
    """
    plain = as_graph(graph)
    check_choice(adjustment, "adjustment", ("optimal", "parents"))
    check_choice(correction, "correction", _CORRECTIONS)
    default = "HC1" if n_obs is None else "classical"
    kind = default if covariance is None else covariance
    check_choice(kind, "covariance", _COVARIANCES)
    if n_obs is None:
        sample = sample_of_rows(plain, data)
    else:
        sample = sample_of_matrix(plain, data, n_obs, kind)
    causes = _asked(sample, treatments, "treatments")
    affected = _asked(sample, outcomes, "outcomes")
    choices = {
        (x, y): found
        for x, y, found in choices_of_pairs(plain, causes, affected, sample.names, adjustment)
    }
    if not choices:
        raise InputError(
            "treatments and outcomes are one and the same variable; expected at least one pair of "
            "two variables. Name more of them."
        )
    answers, tests = _estimated(plain, sample, choices, kind, correction)
    raw, adjusted = _in_place(tests, causes, affected)
    spread = dict(zip(sample.names, sample.scale.tolist(), strict=True))
    ratios = np.array([[spread[x] / spread[y] for y in affected] for x in causes])
    return EffectsMatrix(
        treatments=causes,
        outcomes=affected,
        answers=answers,
        p_values=raw,
        adjusted=adjusted,
        ratios=ratios,
        n_obs=sample.n_obs,
        covariance=kind,
        adjustment=adjustment,
        correction=correction,
        ones=sample.ones,
    )


# --- from answers of the graph to numbers --------------------------------------------------------


def _estimated(
    graph: CausalGraph,
    sample: Sample,
    choices: dict[Pair, Choices],
    covariance: str,
    correction: str | None,
) -> tuple[dict[Pair, tuple[PairEffect, ...]], dict[Pair, tuple[float, float]]]:
    """Answers with numbers, and of pairs with one estimate the p-value, as such and corrected."""
    column = {name: k for k, name in enumerate(sample.names)}
    where = np.array([column.get(name, -1) for name in graph.nodes], dtype=np.intp)
    questions, single = list[Question](), dict[Pair, int]()
    for (x, y), found in choices.items():
        if len(found) == 1 and found[0] is not None:
            single[x, y] = len(questions)
        for choice in found:
            if choice is not None:
                covariates = tuple(where[list(choice)].tolist())
                questions.append((column[x], column[y], covariates))
    fits = fit_all(sample, questions)
    errors = fits.std_errors(sample, covariance)
    numbers = zip(fits.values.tolist(), errors.tolist(), fits.df.tolist(), strict=True)
    answers = {
        pair: tuple(
            _NO_EFFECT
            if choice is None
            else PairEffect(tuple(graph.nodes[k] for k in choice), *next(numbers))
            for choice in found
        )
        for pair, found in choices.items()
    }
    kept = np.fromiter(single.values(), dtype=np.intp, count=len(single))
    p_values = _p_values(sample, fits, errors, kept, covariance, correction)
    return answers, dict(zip(single, zip(*p_values, strict=True), strict=True))


def _p_values(
    sample: Sample,
    fits: Fits,
    errors: FloatArray,
    kept: IntArray,
    covariance: str,
    correction: str | None,
) -> tuple[list[float], list[float]]:
    """Of the kept effects, as such and corrected; NaN for those of a population."""
    from scipy.special import stdtr
    from scipy.stats import false_discovery_control

    values, errors, df = fits.values[kept], errors[kept], fits.df[kept]
    if not len(kept) or not np.isfinite(sample.n_obs):
        return [np.nan] * len(kept), [np.nan] * len(kept)
    size = np.abs(values)
    t = np.divide(size, errors, out=np.where(size > 0, np.inf, 0.0), where=errors > 0)
    raw = 2 * stdtr(df, -t)
    if correction is None:
        adjusted = raw
    elif correction in ("bh", "by"):
        adjusted = false_discovery_control(raw, method=correction)
    elif correction == "romano-wolf":
        if len(kept) > _MOST_JOINT:
            raise InputError(
                f"{len(kept):,} effects are too many to draw their t-statistics jointly; expected "
                f'at most {_MOST_JOINT:,} with correction="romano-wolf". Take "holm" or "by", or '
                "name fewer treatments or outcomes."
            )
        joint = fits.correlation(sample, covariance, kept)
        # A corrected p-value is no smaller than the one it corrects, whatever the draws.
        adjusted = np.maximum(raw, step_down(t, null_draws(joint, float(df.min()), _N_DRAWS)))
    else:
        adjusted = adjust_p_values(raw, correction)
    return raw.tolist(), adjusted.tolist()


def _in_place(
    tests: dict[Pair, tuple[float, float]], causes: tuple[Name, ...], affected: tuple[Name, ...]
) -> tuple[FloatArray, FloatArray]:
    """Both p-values of each pair, in matrices of treatments by outcomes; NaN without a test."""
    raw, adjusted = np.full((2, len(causes), len(affected)), np.nan)
    rows, columns = ({name: k for k, name in enumerate(names)} for names in (causes, affected))
    for (x, y), p_values in tests.items():
        raw[rows[x], columns[y]], adjusted[rows[x], columns[y]] = p_values
    return raw, adjusted


def _asked(sample: Sample, names: Names | None, role: str) -> tuple[Name, ...]:
    """Names that are asked for, each of which the sample has."""
    if names is None:
        return sample.names
    asked = as_names(names)
    if not asked:
        raise InputError(f"{role} is empty; expected at least one variable, or None for all.")
    for name in asked:
        if name not in sample.names:
            raise UnknownVariableError.among(name, sample.names)
    return asked
