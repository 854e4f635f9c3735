r"""Identification from several samples: experiments at hand, and other populations.

Often the effect of interest cannot be had from one sample, and can from several together: a trial
that set another variable, a study in another town. Every sample gives some Q-factors
(:mod:`~causalkit.identification.general.factors`), and the effect is a product of them. A sample
gives the factor of a district D if

* nothing in D was set in it,
* what D's mechanisms are is the same in its population and in the one that is asked about: no node
  of D is among those that the sample `differs` in (in a **selection diagram**, has a square node),
* D is identified in the graph of the sample, in which what was set has no causes.

Each district may come from another sample. The search is complete for effects over everybody: if
some district comes from none, no formula exists. One sample without experiments is plain
identification; one with experiments is **gID** (zID, if every subset of what can be set was set);
several populations are **transport** (sID, mz-transportability).

A trial in Los Angeles, people in New York; ages differ, and age matters:

>>> trial = Sample(do="X", domain="LA", differs="Z")
>>> print(identify_from("X -> Y <- Z; X <-> Y", "X", "Y", samples=[trial, Sample()]).expression)
E[Y | do(X=x)] = Σ_{z} E^{LA}[Y | do(X=x), Z=z] P(Z=z)

References
----------
Bareinboim, E., Pearl, J. (2012). Causal inference by surrogate experiments: z-identifiability. UAI.
Bareinboim, E., Pearl, J. (2014). Transportability from multiple environments with limited
experiments: completeness results. NeurIPS.
Lee, S., Correa, J. D., Bareinboim, E. (2019). General identifiability with arbitrary surrogate
experiments. UAI, PMLR 115.
Lee, S., Correa, J. D., Bareinboim, E. (2020). Generalized transportability: synthesis of
experiments from heterogeneous domains. AAAI. https://doi.org/10.1609/aaai.v34i06.6582
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from causalkit._core.checks import as_names
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph
from causalkit.identification.general.factors import observational
from causalkit.identification.general.functional import FunctionalEstimand, Hedge
from causalkit.identification.general.general import Derived, Found, identified_factor
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.query import EffectQuery, GraphLike, as_graph
from causalkit.typing import Name, Names

__all__ = ["Sample", "identify_from"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Where data come from: a population, what was set in it, and where it differs.

    Parameters
    ----------
    do : name or names
        What an experiment set, whatever else acts on it; empty for observation.
    domain : str
        The population; empty for the one that is asked about.
    differs : name or names
        Variables whose mechanism or hidden causes may differ between that population and the one
        that is asked about. If the hidden cause behind a `<->` differs, name both of its ends.
    subsets : bool
        Whether there also is a sample for every subset of `do`, observation included.

    Raises
    ------
    InputError
        If the population that is asked about differs from itself.
    """

    do: Names = ()
    domain: str = ""
    differs: Names = ()
    subsets: bool = False

    def __post_init__(self) -> None:
        for field in ("do", "differs"):
            object.__setattr__(self, field, as_names(getattr(self, field)))
        if self.differs and not self.domain:
            raise InputError(
                f"the sample differs in {as_names(self.differs)} and has no domain; expected the "
                "name of another population. Pass Sample(domain='...', differs=...)."
            )

    def __str__(self) -> str:
        did = f"do({', '.join(map(str, as_names(self.do)))})" if self.do else "observation"
        return f"{did} in {self.domain}" if self.domain else did


def identify_from(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    samples: Sequence[Sample],
    given: Names | None = (),
    observed: Names | None = None,
) -> FunctionalEstimand:
    """Identify an effect from several samples: experiments, and other populations.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG, the same in all populations.
    treatment, outcome : name or names
        What is set, and what is looked at, in the population without a name.
    samples : sequence of Sample
        The data at hand. `Sample()` is observation in the population that is asked about; it is not
        taken for granted.
    given : name or names, optional
        Strata, `P(y | do(x), given)`.
    observed : names, optional
        Variables that all samples have; the others are hidden.

    Returns
    -------
    FunctionalEstimand
        Its formula names the samples: `P^{LA}(y | do(z), x)`. To evaluate it, pass a mapping of
        :class:`~causalkit.identification.Source` to tables.

    Raises
    ------
    NotIdentifiableError
        If the samples do not determine the effect; the message says for one district why no sample
        gives it. Its `witness` holds (sample, reason) pairs.
    InputError
        If there is no sample, or names are unknown.

    Notes
    -----
    **Assumes:**

    - the graph is right in every population, and mechanisms differ only where `differs` says so,
    - experiments set their variables by chance or by decree, and change nothing else.

    With `given` the search is sound; its completeness is known without.

    Examples
    --------
    The effect of X1 is confounded, and a trial that set X2 instead helps:

    >>> graph = "X1 -> Y; X1 <-> X2; X2 -> X1; X2 <-> Y"
    >>> answer = identify_from(graph, "X1", "Y", samples=[Sample(), Sample(do="X2")])
    >>> print(answer.expression)
    E[Y | do(X1=x1)] = E[Y | do(X2=x2), X1=x1]
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    if not isinstance(samples, Sequence) or isinstance(samples, str) or not samples:
        raise InputError(
            f"samples={samples!r}; expected a list with at least one, such as [Sample()]."
        )
    for sample in samples:
        if not isinstance(sample, Sample):
            raise InputError(
                f"samples holds {sample!r}; expected Sample objects, such as [Sample(), "
                "Sample(do='Z')]."
            )
        whole.indices((*as_names(sample.do), *as_names(sample.differs)))
    derived = Derived.of(whole, query, None if observed is None else as_names(observed))
    mixed = derived.mixed
    for sample in samples:
        if hidden := [name for name in as_names(sample.do) if name not in mixed.where]:
            raise InputError(
                f"{sample} sets {hidden}, not among the observed variables; expected variables "
                "that data has. Add them to observed."
            )
    ranked = sorted(samples, key=lambda s: (bool(s.domain), len(as_names(s.do))))

    def find(part: int) -> Found:
        reasons: list[tuple[Sample, str]] = []
        for sample in ranked:
            found = _from_sample(whole, mixed, part, sample)
            if isinstance(found, Found):
                return found
            reasons.append((sample, found))
        why = "; ".join(f"{sample}: {reason}" for sample, reason in reasons)
        raise NotIdentifiableError(
            f"the {query} is not identified from these samples: none gives what "
            f"{derived.shown(part)} does if the rest is set ({why}). Bring an experiment on "
            "what causes these, or measure what confounds them.",
            witness=tuple(reasons),
        )

    return derived.estimand(find)


def _from_sample(graph: CausalGraph, mixed: Mixed, part: int, sample: Sample) -> Found | str:
    """The Q-factor of a district from one sample, or why it does not have it."""
    wanted = as_names(sample.do)
    if sample.subsets:
        wanted = tuple(name for name in wanted if not mixed.bits([name]) & part)
    done = mixed.bits(wanted)
    if done & part:
        return f"sets {_text(mixed, done & part)}"
    if other := part & _differing(graph, mixed, as_names(sample.differs)):
        return f"differs in {_text(mixed, other)}"
    above = mixed.ancestors(part, mixed.all & ~done)
    known = mixed.district(part, above)
    data = observational(mixed, above, known, domain=sample.domain, do=wanted)
    found = identified_factor(mixed, part, data)
    if isinstance(found, Hedge):
        return f"has the {found}"
    return Found(found, "sample", f"from {sample}")


def _differing(graph: CausalGraph, mixed: Mixed, names: tuple[Name, ...]) -> int:
    """What differs among observed nodes: a hidden one passes it on to its observed effects."""
    found, fresh, seen = 0, list(names), set(names)
    while fresh:
        name = fresh.pop()
        if name in mixed.where:
            found |= 1 << mixed.where[name]
            continue
        below = graph.children(name) - seen
        seen |= below
        fresh.extend(below)
    return found


def _text(mixed: Mixed, mask: int) -> str:
    return ", ".join(map(str, mixed.names(mask)))
