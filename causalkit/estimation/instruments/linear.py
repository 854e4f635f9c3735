"""Linear models with instruments: `TwoStageLeastSquares`, `LIML` and `GMM`.

The treatment t shares hidden causes with the outcome, so y = θ t + X'β + ε cannot be had from least
squares. Instruments z, which move t and reach y through it alone, can: what they explain of t, t̂,
is free of the hidden causes, and

    2SLS    Σ t̂ (y − θ t) = 0
    LIML    Σ (t − κ (t − t̂)) (y − θ t) = 0,     κ the smallest root of |W₁ − κ W₀| = 0
    GMM     minimise ḡ' S⁻¹ ḡ,                   ḡ = mean of (x, z)(y − θ t − x'β), S its covariance

where W₁ and W₀ are moments of (y, t) before and after the instruments are taken out. With one
instrument all three are cov(z, y) / cov(z, t). With several, LIML is less biased than 2SLS where
they are weak or many, Fuller's modification gives it finite moments, and GMM is the most precise
where errors have unequal variances.

Each effect carries in its details how strong the instruments are (`first_stage`), whether they
agree (`overidentification`) and whether they were needed (`endogeneity`).

References
----------
Anderson & Rubin (1949), "Estimation of the parameters of a single equation in a complete system of
stochastic equations", Annals of Mathematical Statistics 20(1), 46-63. doi:10.1214/aoms/1177730090
Fuller (1977), "Some properties of a modification of the limited information estimator",
Econometrica 45(4), 939-953. doi:10.2307/1912683
Hansen (1982), "Large sample properties of generalized method of moments estimators", Econometrica
50(4), 1029-1054. doi:10.2307/1912775
Angrist, Imbens & Rubin (1996), "Identification of causal effects using instrumental variables",
JASA 91, 444-455. doi:10.1080/01621459.1996.10476902
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import InputError, NumericalError
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.contrasts import contrast_in_words
from causalkit.estimation.inference import Asymptotic, Bootstrap, standard_error
from causalkit.estimation.instruments.equations import liml_kappa, two_step
from causalkit.estimation.instruments.first_stage import FirstStage, first_stage_of, part_names
from causalkit.estimation.instruments.partialled import Partialled, partial_out
from causalkit.estimation.instruments.specification import SpecificationTest, endogeneity, sargan
from causalkit.estimation.instruments.t_ratio import tf_interval
from causalkit.estimation.problem import Problem
from causalkit.estimation.series.serial import HAC
from causalkit.typing import FloatArray

__all__ = ["GMM", "LIML", "TwoStageLeastSquares"]

_ROBUST = ("HC1", "HC0")
_COVARIANCES = (*_ROBUST, "classical")
_UNRELATED = 1e-14
"""Share of the treatment's variance that rounding alone may seem to explain."""


class TwoStageLeastSquares(EffectEstimator):
    """Two-stage least squares: regress on what the instruments explain of the treatment.

    Instruments are given to `fit` as `z`, one column or several.

    Parameters
    ----------
    features : transformer, optional
        Expands the adjustment columns, e.g. `Powers(2)`.
    covariance : {"HC1", "HC0", "classical"}
        Heteroskedasticity-robust standard error with factor n/(n−k) or none, or that of errors of
        equal variance. With clusters, HC1 has the factor G/(G−1)·(n−1)/(n−k).
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:**

    - the instruments move the treatment, given the adjustment columns, and strongly so;
    - they affect the outcome through the treatment alone, and share no hidden cause with it, given
      the adjustment columns;
    - the outcome is linear in the treatment and the adjustment columns with one effect for all.
      Where effects differ and the instruments move no one away from treatment, the result is a
      weighted average over those whom they move.

    An effective first-stage F below 10 is answered with a
    :class:`~causalkit.errors.WeakInstrumentWarning`; :func:`weak_instrument_set` then gives a set
    that covers whatever the strength. With one instrument `details["tF interval"]` does as well.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> z, hidden = rng.normal(size=(2, 1000))
    >>> t = z + hidden + rng.normal(size=1000)
    >>> y = 2 * t + 3 * hidden + rng.normal(size=1000)
    >>> effect = TwoStageLeastSquares().fit(None, y, t=t, z=z).effect_
    >>> bool(2 in effect.interval(0.99))
    True
    >>> bool(effect.details["first_stage"].effective_f > 100)
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "the rows of two of its levels"
    needs: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        *,
        features: Any = None,
        covariance: str = "HC1",
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.features = features
        self.covariance = covariance
        self.inference = inference

    def _method(self) -> str:
        return f"two-stage least squares, {_words(self)} standard error"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        _check_covariance(self, problem, _COVARIANCES)

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        part = partial_out(problem, self.features)
        return _k_class(self, problem, part, kappa=1.0)


class LIML(EffectEstimator):
    """Limited-information maximum likelihood, and Fuller's modification of it.

    Instruments are given to `fit` as `z`, one column or several.

    Parameters
    ----------
    fuller : float
        0 for LIML itself. With Fuller's constant a, κ is lowered by a/(n − k − K): 1 makes the
        estimate nearly unbiased, 4 keeps its mean squared error small.
    features : transformer, optional
        Expands the adjustment columns.
    covariance : {"HC1", "HC0", "classical"}
        As in :class:`TwoStageLeastSquares`.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:** what :class:`TwoStageLeastSquares` assumes. It is less biased with weak or many
    instruments, but its interval is not valid with weak ones either.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z, hidden = rng.normal(size=(1000, 3)), rng.normal(size=1000)
    >>> t = Z.sum(axis=1) + hidden + rng.normal(size=1000)
    >>> y = 2 * t + 3 * hidden + rng.normal(size=1000)
    >>> effect = LIML(fuller=1).fit(None, y, t=t, z=Z).effect_
    >>> bool(2 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "the rows of two of its levels"
    needs: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        *,
        fuller: float = 0.0,
        features: Any = None,
        covariance: str = "HC1",
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.fuller = fuller
        self.features = features
        self.covariance = covariance
        self.inference = inference

    def _method(self) -> str:
        name = f"LIML, Fuller({self.fuller:g})" if self.fuller else "LIML"
        return f"{name}, {_words(self)} standard error"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        _check_covariance(self, problem, _COVARIANCES)
        if not isinstance(self.fuller, (int, float)) or not 0 <= self.fuller < np.inf:
            raise InputError(
                f"fuller={self.fuller!r}; expected 0 (LIML) or a positive number, as a rule 1 or 4."
            )

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        part = partial_out(problem, self.features)
        df = self.count(problem) - part.n_exogenous - part.n_instruments
        kappa = liml_kappa(part) - (self.fuller / df if df > 0 else 0.0)
        return _k_class(self, problem, part, kappa)


class GMM(EffectEstimator):
    """Two-step efficient generalised method of moments.

    Instruments are given to `fit` as `z`, one column or several. The weights of the moments come
    from the residuals of two-stage least squares, with clusters or over time if the rows are so.

    Parameters
    ----------
    features : transformer, optional
        Expands the adjustment columns.
    covariance : {"HC1", "HC0"}
        As in :class:`TwoStageLeastSquares`.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:** what :class:`TwoStageLeastSquares` assumes. There must be more clusters than
    instruments and adjustment columns together, or the weights cannot be estimated.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z, hidden = rng.normal(size=(1000, 2)), rng.normal(size=1000)
    >>> t = Z.sum(axis=1) + hidden + rng.normal(size=1000)
    >>> y = 2 * t + hidden + (1 + Z[:, 0] ** 2) * rng.normal(size=1000)
    >>> effect = GMM().fit(None, y, t=t, z=Z).effect_
    >>> bool(2 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "continuous")
    instead: ClassVar[str] = "the rows of two of its levels"
    needs: ClassVar[tuple[str, ...]] = ("z",)

    def __init__(
        self,
        *,
        features: Any = None,
        covariance: str = "HC1",
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.features = features
        self.covariance = covariance
        self.inference = inference

    def _method(self) -> str:
        return f"two-step GMM, {_words(self)} standard error"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        _check_covariance(self, problem, _ROBUST)

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        part = partial_out(problem, self.features)
        _check_rank(self, problem, part)
        found = two_step(part, problem, self._asymptotic())
        if found is None:
            raise NumericalError(
                f"the {part.n_exogenous + part.n_instruments} moments have a covariance matrix "
                f"without an inverse, from {problem.n_groups} rows or clusters; expected more of "
                "them than moments. Use TwoStageLeastSquares(), or fewer columns."
            )
        theta, scores, agree = found
        return _solution(self, problem, part, theta, scores, {"overidentification": agree})


def _k_class(
    estimator: TwoStageLeastSquares | LIML, problem: Problem, part: Partialled, kappa: float
) -> Solution:
    """Solve Σ (t − κ (t − t̂)) (y − θ t) = 0; κ = 1 is two-stage least squares."""
    _check_rank(estimator, problem, part)
    inference = estimator._asymptotic()
    fitted = part.Z @ part.pi
    pull = part.t - kappa * (part.t - fitted)
    slope = part.mean(pull * part.t)
    theta = part.mean(pull * part.y) / slope
    u = part.y - theta * part.t
    scores = fitted * u / slope
    n, k = estimator.count(problem), part.n_exogenous + 1
    if estimator.covariance == "classical":
        root = float(np.sqrt(part.mean(u**2) / (n - k) / abs(slope)))
        robust = standard_error(inference.influence(problem, scores))
        scores = scores * (root / robust if robust > 0 else 1.0)
    agree = None
    if part.n_instruments > 1 and estimator.covariance == "classical":
        agree = sargan(part, u, n)
    elif part.n_instruments > 1:
        found = two_step(part, problem, inference)
        agree = found[2] if found else None
    facts = {"kappa": kappa, "overidentification": agree}
    return _solution(estimator, problem, part, theta, scores, facts)


def _solution(
    estimator: TwoStageLeastSquares | LIML | GMM,
    problem: Problem,
    part: Partialled,
    theta: float,
    scores: FloatArray,
    facts: dict[str, Any],
) -> Solution:
    """Put diagnostics beside an estimate."""
    inference, covariance = estimator._asymptotic(), estimator.covariance
    k = part.n_exogenous + 1
    first = first_stage_of(part, problem, inference, covariance=covariance)
    needed = endogeneity(part, problem, inference, covariance=covariance)
    counted = k if covariance == "HC1" else 0
    details = {
        "contrast": contrast_in_words(problem),
        "n_coefficients": k,
        "covariance": covariance,
        "first_stage": first,
        "endogeneity": needed,
        **facts,
        "notes": _notes(problem, part, first, (facts["overidentification"], needed)),
    }
    value, scores = part.unit * theta, part.unit * scores
    if part.n_instruments == 1:
        error, _ = estimator.spread(inference.influence(problem, scores, counted), problem)
        details["tF interval"] = tf_interval(value, error, first.f_statistic)
    alert = first.warning()
    return Solution(
        value=value,
        scores=scores,
        n_parameters=counted,
        details=details,
        alerts=(alert,) if alert else (),
        df=max(estimator.count(problem) - k, 1),
    )


def _notes(
    problem: Problem,
    part: Partialled,
    first: FirstStage,
    tests: Sequence[SpecificationTest | None],
) -> list[str]:
    """What is printed below an effect."""
    notes = [f"{first.sentence}; partial R² {first.partial_r2:.3g}."]
    notes += [f"{test.sentence}." for test in tests if test is not None]
    dropped = problem.others["z"].values.shape[1] - part.n_instruments
    if dropped:
        notes.append(
            f"Of the instruments {dropped} are linear combinations of others and add nothing."
        )
    return notes


def _check_covariance(
    estimator: TwoStageLeastSquares | LIML | GMM, problem: Problem, choices: tuple[str, ...]
) -> None:
    check_choice(estimator.covariance, "covariance", choices)
    dependent = problem.groups is not None or isinstance(estimator.inference, HAC)
    if estimator.covariance == "classical" and dependent:
        raise InputError(
            'covariance="classical" takes rows as independent with errors of equal variance, but '
            'clusters or HAC were given. Use covariance="HC1", which goes with both.'
        )


def _check_rank(
    estimator: TwoStageLeastSquares | LIML | GMM, problem: Problem, part: Partialled
) -> None:
    """Refuse too few rows, and instruments that have nothing to do with the treatment."""
    n, k = estimator.count(problem), part.n_exogenous + part.n_instruments
    if n <= k + 1:
        raise InputError(
            f"{n:g} row(s) for {part.n_exogenous} coefficients of the adjustment columns and "
            f"{part.n_instruments} instrument(s); expected more rows than both and the treatment "
            "together. Adjust for fewer columns, or use fewer instruments."
        )
    if not float(part.pi @ part.pi) > _UNRELATED * part.mean(part.t**2):
        raise NumericalError(
            f"the instrument(s) {part_names(problem)} explain nothing of {problem.treatment!r} "
            "beyond the adjustment columns; expected instruments that move it. Use others."
        )


def _words(estimator: TwoStageLeastSquares | LIML | GMM) -> str:
    """What the standard error is called."""
    return str(getattr(estimator.inference, "words", estimator.covariance))
