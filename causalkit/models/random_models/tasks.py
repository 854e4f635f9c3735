"""Effect tasks: small models with a known effect, one for each way to (not) identify it.

Each kind is a textbook situation; W are observed covariates, U is hidden:

* "backdoor": W causes treatment and outcome, and adjusting for W is right;
* "frontdoor": U confounds, and a mediator carries all of the effect;
* "instrument": U confounds, and Z moves the treatment and nothing else;
* "mediation": part of the effect goes through M, and W confounds all three;
* "bow": U confounds, and nothing helps: not identified;
* "m-bias": Z is a pre-treatment variable for which one must *not* adjust;
* "negative-control": U confounds, and has two proxies that treatment and outcome do not touch.

Four knobs set how hard a task is, and each is an exact property of the model (see
:func:`effect_task`). An estimator is right if it finds `truth` where the task is `identified`; a
careful one says so where it is not.

>>> task = effect_task("backdoor", effect=2.0, overlap=0.5, heterogeneity=0.3, rng=0)
>>> task.truth.value, task.identified
(2.0, True)
>>> list(task.sample(100, rng=0).columns)
['T', 'Y', 'W0', 'W1', 'W2']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import hypot, inf, sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from causalkit._core.checks import check_choice, check_count, check_fraction
from causalkit._core.random import as_generator
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.models.random_models.task_equations import Equation, model_of
from causalkit.models.random_models.task_functions import Index, steepness, treated_mean
from causalkit.models.structural.structural_model import StructuralCausalModel
from causalkit.models.truth import Truth
from causalkit.typing import RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TASKS", "EffectTask", "effect_task"]

Kind = Literal[
    "backdoor", "frontdoor", "instrument", "mediation", "bow", "m-bias", "negative-control"
]
TASKS: Final = (
    "backdoor",
    "frontdoor",
    "instrument",
    "mediation",
    "bow",
    "m-bias",
    "negative-control",
)
_HIDDEN: Final = ("frontdoor", "instrument", "bow", "negative-control")
_INSTRUMENT: Final = 0.5  # share of the variance of the treatment's index
_MEDIATED: Final = 0.5  # share of the effect that goes through the mediator of "mediation"
_MEDIATOR: Final = -0.4  # slope of the mediator on the confounding index: no path cancels


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EffectTask(Reported):
    """A model, a question about an effect, and the answer.

    Attributes
    ----------
    kind : str
    model : StructuralCausalModel
    treatment, outcome : str
    graph : CausalGraph
        The truth over the observed variables.
    truth : Truth
        Average effect of one unit of the treatment (of treating all rather than none), exactly.
    identified : bool
        Whether observed data and the graph determine it; with an instrument, if the effect is
        the same for all as well.
    parts : mapping of {"treated", "direct", "indirect"} to Truth
        Exact as well: average effect among the treated, if the treatment is binary; natural
        effects, of "mediation".
    """

    kind: str
    model: StructuralCausalModel
    treatment: str
    outcome: str
    graph: CausalGraph
    truth: Truth
    identified: bool
    parts: Mapping[str, Truth] = field(default_factory=lambda: MappingProxyType({}))

    def sample(self, n: int, *, rng: RandomState = None) -> pd.DataFrame:
        """Draw n rows of the observed variables."""
        return self.model.sample(n, rng)

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [
            ("kind", self.kind),
            ("question", f"effect of {self.treatment} on {self.outcome}"),
            ("truth", self.truth.value),
            ("identified", "yes" if self.identified else "no"),
            ("graph", str(self.graph).partition(": ")[2]),
        ]
        return Report("Effect task", facts)


@dataclass(frozen=True, slots=True)
class _Knobs:
    effect: float
    overlap: float
    heterogeneity: float
    confounding: float
    nonlinear: float
    covariates: tuple[str, ...]
    signs: tuple[float, ...]
    binary: bool


def effect_task(
    kind: Kind,
    *,
    effect: float = 1.0,
    overlap: float = 0.6,
    heterogeneity: float = 0.0,
    confounding: float = 0.5,
    nonlinear: float = 0.0,
    n_covariates: int = 3,
    binary: bool = True,
    rng: RandomState = None,
) -> EffectTask:
    """Draw a task of estimating an effect, with the exact answer.

    Parameters
    ----------
    kind : str
        "backdoor", "frontdoor", "instrument", "mediation", "bow", "m-bias" or "negative-control".
    effect : float, default 1
        The truth. Without an effect there is no arrow either.
    overlap : float, default 0.6
        Strictly between 0 and 1. Of a binary treatment: area that the distributions of its causes
        among the treated and among the untreated have in common. Of a continuous one: share of its
        variance that its causes do not explain. Without any causes it is as good as randomised.
    heterogeneity : float, default 0
        Standard deviation of the effect over units, relative to its mean. The last covariate
        modifies it.
    confounding : float, default 0.5
        Effect of the confounding index, in the units of its standard deviation and of the noise of
        the outcome. The index drives the treatment, too; 0 takes the confounding away. Near 1
        treatment and covariates are nearly independent given the outcome, by chance of the
        numbers: such a task is for a graph that is given, not for one to be learnt.
    nonlinear : float, default 0
        Below 1: share of the variance of the covariates' index that no linear function of them
        explains.
    n_covariates : int, default 3
        Independent standard normal covariates W0, W1, …; may be 0 unless a setting needs one.
    binary : bool, default True
        Whether the treatment is 0 or 1, half of the units each; else it is continuous, of mean 0
        and variance 1.
    rng : int, Generator or None
        Of the signs with which covariates enter the index.

    Returns
    -------
    EffectTask

    Raises
    ------
    InputError
        If a knob is out of range, or needs a covariate and there is none.

    Notes
    -----
    **Assumes:** nothing; the model is its own truth. What an estimator must assume is what `kind`
    says: "negative-control" is not identified by its graph, only under further conditions on the
    two proxies (which hold in this linear model if the treatment is continuous), and "instrument"
    only for an effect that is the same for all. Where it is not, an instrument finds the effect
    among those whom it moves; here that is `truth` as well, since the modifier is as often above
    its mean as below it among them, but nothing in data says so.

    With a hidden confounder and covariates, each is half of the variance of the confounding index.
    An instrument is a fair coin and half of the variance of what drives the treatment. Noise of
    outcome and mediators has variance one.

    With the defaults and 2,000 rows, PC (Fisher's z, alpha 0.01) finds the whole skeleton of
    "backdoor" in nearly all draws, and of "mediation" in about three of four.

    References
    ----------
    Neal, Huang and Raghupathi (2020), "RealCause: Realistic causal inference benchmarking",
    doi:10.48550/arXiv.2011.15007, for the knobs. Pearl (2009), "Causality",
    doi:10.1017/CBO9780511803161, for the situations.

    Examples
    --------
    >>> task = effect_task("bow", confounding=2.0, rng=0)
    >>> task.identified, sorted(str(edge) for edge in task.graph.edges_between("T", "Y"))
    (False, ['T -> Y', 'T <-> Y'])
    """
    check_choice(kind, "kind", TASKS)
    generator = as_generator(rng)
    knobs = _Knobs(
        _finite(effect, "effect"),
        check_fraction(overlap, "overlap"),
        _finite(heterogeneity, "heterogeneity", least=0.0),
        _finite(confounding, "confounding", least=0.0),
        0.0 if nonlinear == 0 else check_fraction(nonlinear, "nonlinear"),
        tuple(f"W{k}" for k in range(check_count(n_covariates, "n_covariates", minimum=0))),
        tuple(generator.choice((-1.0, 1.0), size=n_covariates).tolist()),
        check_choice(binary, "binary", (True, False)),
    )
    needs = [
        what
        for what, asked in (
            ("kind='backdoor'", kind == "backdoor"),
            ("heterogeneity", knobs.heterogeneity > 0),
            ("nonlinear", knobs.nonlinear > 0),
        )
        if asked
    ]
    if needs and not knobs.covariates:
        raise InputError(
            f"n_covariates=0 with {' and '.join(needs)}; expected at least one covariate. Ask for "
            "n_covariates=1 or more."
        )
    return _assembled(kind, knobs)


def _assembled(kind: Kind, knobs: _Knobs) -> EffectTask:
    equations, latents = _equations(kind, knobs)
    model = model_of(equations, latents)
    lost = kind in ("bow", "negative-control") or (kind == "instrument" and knobs.heterogeneity > 0)
    parts = {}
    if kind == "mediation":
        for name, share in (("direct", 1 - _MEDIATED), ("indirect", _MEDIATED)):
            parts[name] = Truth(share * knobs.effect, question=f"natural {name} effect of T on Y")
    if knobs.binary:
        value = knobs.effect * (
            1 + knobs.heterogeneity * _modifier_of_treated(knobs, equations["T"])
        )
        parts["treated"] = Truth(value, question="average effect of T on Y among the treated")
    return EffectTask(
        kind,
        model,
        "T",
        "Y",
        model.graph_,
        Truth(knobs.effect, question="average effect of T on Y"),
        not lost or knobs.confounding == 0 or knobs.effect == 0,
        MappingProxyType(parts),
    )


def _equations(kind: Kind, knobs: _Knobs) -> tuple[dict[str, Equation], tuple[str, ...]]:
    """Equations of all variables, observed ones first, and the names of latent ones."""
    to_treatment, to_outcome = ("U1", "U2") if kind == "m-bias" else ("U", "U")
    hidden = kind in (*_HIDDEN, "m-bias")
    index = _confounding(knobs, to_treatment if hidden else None)
    outcome = _confounding(knobs, to_outcome if hidden else None).times(knobs.confounding)
    made = {"T": _treatment(kind, knobs, index), "Y": _outcome(kind, knobs, outcome)}
    made |= {name: Equation() for name in knobs.covariates}
    if kind == "frontdoor":
        made["M"] = Equation({"T": 1.0})
    elif kind == "mediation":
        made["M"] = index.times(_MEDIATOR).plus({"T": 1.0})
    elif kind == "instrument":
        made["Z"] = Equation(binary=True)
    elif kind == "m-bias":
        made["Z"] = Equation({"U1": 1.0, "U2": 1.0}, noise=0.5)
    elif kind == "negative-control":
        made["Z"] = Equation({"U": 1.0}, noise=0.5)
        made["N"] = Equation({"U": 1.0}, noise=0.5)
    latents = tuple(dict.fromkeys((to_treatment, to_outcome))) if hidden else ()
    return made | {name: Equation() for name in latents}, latents


def _confounding(knobs: _Knobs, hidden: str | None) -> Equation:
    """The index of all confounders, of variance one."""
    share = (0.5 if knobs.covariates else 1.0) if hidden else 0.0
    linear = sqrt((1 - share) * (1 - knobs.nonlinear) / max(len(knobs.covariates), 1))
    slopes = {name: sign * linear for name, sign in zip(knobs.covariates, knobs.signs, strict=True)}
    if hidden:
        slopes[hidden] = sqrt(share)
    return Equation(slopes, height=sqrt((1 - share) * knobs.nonlinear))


def _treatment(kind: Kind, knobs: _Knobs, index: Equation) -> Equation:
    coin = sqrt(_INSTRUMENT) if kind == "instrument" else 0.0
    index = index.times(sqrt(1 - coin**2))
    if not index.slopes and not coin:  # nothing drives the treatment
        return Equation(binary=knobs.binary)
    if coin:
        index = replace(index.plus({"Z": 2 * coin}), intercept=-coin)
    if not knobs.binary:
        return replace(index.times(sqrt(1 - knobs.overlap)), noise=sqrt(knobs.overlap))
    return replace(index.times(steepness(_index_of(index), knobs.overlap)), binary=True)


def _index_of(equation: Equation) -> Index:
    """Distribution of what drives the treatment: W0 and its wave, other normal causes, a coin."""
    along = equation.slopes.get("W0", 0.0)
    others = [slope for name, slope in equation.slopes.items() if name not in ("W0", "Z")]
    return Index(along, equation.height, hypot(*others), abs(equation.intercept))


def _modifier_of_treated(knobs: _Knobs, treatment: Equation) -> float:
    """Mean of the last covariate among the treated."""
    if not knobs.covariates or not treatment.slopes:
        return 0.0
    index, last = _index_of(treatment), knobs.covariates[-1]
    if last == "W0":
        return treated_mean(index, 1.0, 1.0, 0.0)
    return treated_mean(index, 1.0, 0.0, treatment.slopes[last] / index.across)


def _outcome(kind: Kind, knobs: _Knobs, confounded: Equation) -> Equation:
    through = "M" if kind == "frontdoor" else "T"
    direct = knobs.effect * (1 - _MEDIATED if kind == "mediation" else 1.0)
    slopes = {through: direct}
    if kind == "mediation":
        slopes["M"] = knobs.effect * _MEDIATED
    modified = knobs.effect * knobs.heterogeneity
    product = (through, knobs.covariates[-1], modified) if modified else None
    return replace(confounded.plus(slopes), product=product)


def _finite(value: float, what: str, *, least: float = -inf) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not (least <= number < inf and number > -inf):
        wanted = "a finite number" if least == -inf else f"a finite number of at least {least:g}"
        raise InputError(f"{what}={value!r}; expected {wanted}.")
    return number
