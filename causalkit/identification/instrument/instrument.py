r"""Instruments: variables that move the treatment, and the outcome only through it.

A hidden cause of treatment X and outcome Y leaves nothing to adjust for. An **instrument** Z goes
around it: what Z moves in X is free of the hidden cause, and what it then moves in Y can only have
come through X. Where X has the same effect τ on everybody, ::

    τ = Cov(Z, Y | W) / Cov(Z, X | W)                                       (1)

for each set W that makes Z a *conditional instrument* (Brito & Pearl 2002; Henckel et al. 2024).
Write `G_c` for the graph without the first edges of the causal paths from X to Y. Then

1. *relevance*: Z is d-connected to X given W,
2. *exogeneity*: W separates Z from Y in `G_c`,
3. W has no descendant of Y, nor of a node between X and Y; nor is Z one.

Why: take the effect of X out of Y. Y − τX is what Y would be in a model whose graph is `G_c`; there
X, Z and W are what they were, by 3, so Cov(Z, Y − τX | W) = 0, by 2. If several paths lead from X
to Y, τ is the total effect. Conversely, with a Z and W that fail, (1) is wrong for almost all
coefficients of a linear model.

>>> graph = "W -> Z -> X -> Y; W -> Y; X <-> Y"
>>> is_instrument(graph, "X", "Y", "Z"), is_instrument(graph, "X", "Y", "Z", given="W")
(False, True)
>>> for found in instruments(graph, "X", "Y"):
...     print(found)
Z given W

**Effects that differ.** Then (1) has no simple meaning, but if Z is itself a cause of X, freed of
confounding by W, and moves nobody's X against the others (monotonicity), there is a ratio that is
the effect among *compliers*, those whose treatment follows Z (Imbens & Angrist 1994; Frölich 2007).
`target="compliers"` asks for such instruments. What merely shares a cause with X may serve in (1),
never here. With neither assumption, discrete data still bound the effect (Balke & Pearl 1997).

**Search.** Whether some W makes a given Z an instrument is NP-complete. Yet if there is an
instrument at all, then there is one whose W is made of causes of Z and Y, and these *ancestral*
instruments are found in polynomial time (van der Zander, Textor & Liśkiewicz 2015).

**Several treatments** need several instruments. (1) then holds with matrices if those are
exogenous given the same W and the matrix Cov(Z, X | W) has full rank (:func:`instrumental_set`).

References
----------
Brito, C., Pearl, J. (2002). Generalized instrumental variables. UAI. van der Zander, B., Textor,
J., Liśkiewicz, M. (2015). Efficiently finding conditional instruments for causal inference. IJCAI.
Henckel, L., Buttenschön, M., Maathuis, M. H. (2024). Graphical tools for selecting conditional
instrumental sets. Biometrika 111(3). https://doi.org/10.1093/biomet/asad066
Imbens, G. W., Angrist, J. D. (1994), "Identification and estimation of local average treatment
effects". Econometrica 62(2). https://doi.org/10.2307/2951620
Frölich, M. (2007), "Nonparametric IV estimation of local average treatment effects with
covariates". Journal of Econometrics 139(1). https://doi.org/10.1016/j.jeconom.2006.06.004
Balke, A., Pearl, J. (1997). Bounds on treatment effects from studies with imperfect compliance.
JASA 92(439). https://doi.org/10.1080/01621459.1997.10474074
"""

from __future__ import annotations

from causalkit._core.checks import as_names
from causalkit.errors import InputError
from causalkit.graph.walks import mask_of
from causalkit.identification.instrument._problem import InstrumentProblem, Target, problem
from causalkit.identification.instrument._search import (
    Instrument,
    InstrumentSet,
    find_instruments,
    find_optimal,
    find_set,
)
from causalkit.identification.instrument.estimand import InstrumentEstimand, instrument_estimand
from causalkit.identification.query import GraphLike, check_roles, listed
from causalkit.typing import Name, Names

__all__ = [
    "Instrument",
    "InstrumentEstimand",
    "InstrumentSet",
    "conditioning_set",
    "instrument_estimand",
    "instrumental_set",
    "instruments",
    "is_instrument",
    "optimal_instruments",
]


def is_instrument(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    instrument: Names,
    given: Names | None = (),
    *,
    observed: Names | None = None,
    target: Target = "everyone",
) -> bool:
    """Whether `instrument` is an instrument for the effect of treatment on outcome, given `given`.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    treatment : name or names
        What is set. Several treatments need as many instruments or more.
    outcome : name
        What is looked at.
    instrument : name or names
        Several are a set of instruments: all of them exogenous, and together they move as many
        treatments independently as there are.
    given : name or names
        The conditioning set; may be empty.
    observed : names, optional
        Variables that data has; what is not among them is no instrument, and cannot be held fixed.
    target : {"everyone", "compliers"}
        Whether the effect is taken to be the same for everybody (a linear effect), or instruments
        must have a meaning without that: see
        :mod:`~causalkit.identification.instrument.instrument`.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If names are unknown or have two roles, if there are several outcomes, no instrument, or
        several treatments whose compliers are asked for.
    GraphError
        If the graph is no DAG or ADMG.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph,
    - with `target="everyone"`, that the effect is linear and the same for everybody.

    With one treatment, the answer "no" means that the ratio of covariances is wrong for almost all
    coefficients of a linear model, as far as there is an effect. Several treatments may need
    instruments that take a conditioning set each; such are not accepted.

    Examples
    --------
    >>> is_instrument("Z -> X -> Y; X <-> Y", "X", "Y", "Z")
    True
    >>> proxy = "Z -> X -> Y; X <-> Y; Z -> P"
    >>> is_instrument(proxy, "X", "Y", "P"), is_instrument(proxy, "X", "Y", "P", target="compliers")
    (True, False)
    >>> two = "Z1 -> X1 -> Y; Z1 -> X2 -> Y; Z2 -> X2; X1 <-> Y; X2 <-> Y"
    >>> is_instrument(two, ["X1", "X2"], "Y", ["Z1", "Z2"])
    True

    References
    ----------
    Brito, C., Pearl, J. (2002). Generalized instrumental variables. UAI.
    """
    asked = problem(graph, treatment, outcome, observed=observed, target=target)
    names, fixed = as_names(instrument), as_names(given)
    masks = mask_of(asked.graph, names), mask_of(asked.graph, fixed)
    query = asked.query
    check_roles(treatment=query.treatment, outcome=query.outcome, instrument=names, given=fixed)
    if not names:
        raise InputError("instrument is empty; expected at least one variable. Name what to ask.")
    if target == "compliers" and len(names) > 1:
        raise InputError(
            f"compliers are asked for with {len(names)} instruments, {listed(names)}; expected "
            "one, as each has compliers of its own. Ask about each of them."
        )
    return asked.accepts(*masks, target)


def conditioning_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    instrument: Name,
    *,
    include: Names | None = (),
    observed: Names | None = None,
    target: Target = "everyone",
) -> frozenset[Name] | None:
    """Find what to hold fixed so that `instrument` is an instrument.

    Parameters
    ----------
    graph, treatment, outcome, observed, target
        As for :func:`is_instrument`; one treatment.
    instrument : name
        The variable in question.
    include : name or names
        What has to be in the set.

    Returns
    -------
    frozenset of names, or None
        A set of causes of instrument and outcome from which nothing can be left out (but
        `include`). None if there is no such set: then a set with other variables may still do, but
        some other variable is an instrument too.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph.

    It takes polynomial time. To decide whether any set at all will do is NP-complete.

    Examples
    --------
    >>> sorted(conditioning_set("A -> Z -> X -> Y; A -> B -> Y; X <-> Y", "X", "Y", "Z"))
    ['B']
    >>> conditioning_set("Z -> X -> Y; Z -> Y; X <-> Y", "X", "Y", "Z") is None
    True

    References
    ----------
    van der Zander, Textor, Liśkiewicz (2015), "Efficiently finding conditional instruments for
    causal inference", IJCAI.
    """
    asked = _about_one(graph, treatment, outcome, include, observed, target)
    names = as_names(instrument)
    if len(names) != 1:
        raise InputError(
            f"instrument names {len(names)} variables; expected one. Ask instrumental_set() for "
            "several."
        )
    check_roles(
        treatment=asked.query.treatment,
        outcome=asked.query.outcome,
        instrument=names,
        include=asked.query.given,
    )
    fixed = mask_of(asked.graph, asked.query.given)
    found = asked.nearest(mask_of(asked.graph, names), fixed, target)
    return None if found is None else frozenset(asked.named(found))


def instruments(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    *,
    include: Names | None = (),
    observed: Names | None = None,
    target: Target = "everyone",
) -> tuple[Instrument, ...]:
    """List the instruments for one treatment, each with a minimal conditioning set.

    Parameters
    ----------
    graph, treatment, outcome, observed, target
        As for :func:`is_instrument`; one treatment.
    include : name or names
        What every conditioning set has to hold.

    Returns
    -------
    tuple of Instrument
        Small conditioning sets first; among equals, causes of the treatment first, in the order of
        the graph. Empty only if no variable is an instrument, whatever is held fixed.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph,
    - with `target="everyone"`, that the effect is linear and the same for everybody.

    Variables that would be instruments only given something that causes neither them nor the
    outcome are not listed (see :func:`conditioning_set`).

    Examples
    --------
    >>> for found in instruments("Z -> X -> Y; X <-> Y; V -> X; V <- C -> Y", "X", "Y"):
    ...     print(found)
    Z
    V given C
    >>> instruments("U -> X -> Y; X <-> Y", "X", "Y", observed=["X", "Y"])
    ()

    References
    ----------
    van der Zander, Textor, Liśkiewicz (2015), "Efficiently finding conditional instruments for
    causal inference", IJCAI.
    """
    asked = _about_one(graph, treatment, outcome, include, observed, target)
    return find_instruments(asked, target)


def instrumental_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    *,
    include: Names | None = (),
    observed: Names | None = None,
) -> InstrumentSet | None:
    """Find as many instruments as there are treatments, exogenous given a common set.

    Parameters
    ----------
    graph, treatment, outcome, observed
        As for :func:`is_instrument`.
    include : name or names
        What the conditioning set has to hold.

    Returns
    -------
    InstrumentSet, or None
        What is returned always is one. None means for a single treatment that there is no
        instrument; for several, that none was found given the conditioning sets that the search
        tries.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph,
    - the effects are linear and the same for everybody.

    That the instruments move the treatments independently is read off the graph: their partial
    covariances have full rank for almost all coefficients.

    Examples
    --------
    >>> two = "Z1 -> X1 -> Y; Z1 -> X2 -> Y; Z2 -> X2; X1 <-> Y; X2 <-> Y"
    >>> print(instrumental_set(two, ["X1", "X2"], "Y"))
    Z1 and Z2
    >>> print(instrumental_set("Z -> X1 -> Y; Z -> X2 -> Y; X1 <-> Y; X2 <-> Y", ["X1", "X2"], "Y"))
    None

    References
    ----------
    Brito, C., Pearl, J. (2002). Generalized instrumental variables. UAI.
    """
    return find_set(_including(graph, treatment, outcome, include, observed, "everyone"))


def optimal_instruments(
    graph: GraphLike, treatment: Name, outcome: Name, *, observed: Names | None = None
) -> InstrumentSet | None:
    """Find the instruments and conditioning set with the smallest variance that can be promised.

    Instruments are what acts on the treatment, and held fixed is what acts on the outcome: the more
    instruments, the more of the treatment they move; the more is held fixed, the less noise is left
    in the outcome.

    Parameters
    ----------
    graph, treatment, outcome, observed
        As for :func:`is_instrument`; one treatment.

    Returns
    -------
    InstrumentSet, or None
        None if none is known to be best: if there is no causal path, or nothing that acts on the
        treatment, or shares a hidden cause with it, is left as an instrument.
        :func:`instruments` may still list some.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph,
    - the effect is linear and the same for everybody, and it is estimated by two-stage least
      squares.

    No other valid pair of sets, effects of the treatment aside, has a smaller asymptotic variance
    for all coefficients of the linear model. One of the instruments may be of use only together
    with another one. Where adjustment identifies the effect, it is usually more precise.

    Examples
    --------
    >>> print(optimal_instruments("Z1 -> X -> Y; Z2 -> X; X <-> Y; C -> Y", "X", "Y"))
    Z1 and Z2 given C

    References
    ----------
    Henckel, L., Buttenschön, M., Maathuis, M. H. (2024). Graphical tools for selecting conditional
    instrumental sets. Biometrika 111(3). https://doi.org/10.1093/biomet/asad066
    """
    return find_optimal(_about_one(graph, treatment, outcome, (), observed, "everyone"))


def _including(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    include: Names | None,
    observed: Names | None,
    target: Target,
) -> InstrumentProblem:
    """The question, if what is to be included may be held fixed at all."""
    asked = problem(graph, treatment, outcome, given=include, observed=observed, target=target)
    if asked.late:
        raise InputError(asked.late)
    return asked


def _about_one(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    include: Names | None,
    observed: Names | None,
    target: Target,
) -> InstrumentProblem:
    asked = _including(graph, treatment, outcome, include, observed, target)
    if len(asked.query.treatment) > 1:
        raise InputError(
            f"there are {len(asked.query.treatment)} treatments, {listed(asked.query.treatment)}; "
            "expected one. Ask instrumental_set() for several."
        )
    return asked
