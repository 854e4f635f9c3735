"""Finding instruments: one at a time, or enough for several treatments.

Sets for several treatments are looked for given each of a few conditioning sets: that which is
asked for, and for each node the separator nearest to the outcome. Given one, everything exogenous
is gathered, and treks pick as many as move the treatments independently. That is sound and takes
polynomial time. It may miss a set that needs another common conditioning set: deciding whether
there is one is hard in general (van der Zander & Liśkiewicz 2016).

The instruments of least variance are read off the districts of treatment and outcome, in the graph
where every other effect of the treatment, and what is hidden, is marginalised.

References
----------
Henckel, L., Buttenschön, M., Maathuis, M. H. (2024). Graphical tools for selecting conditional
instrumental sets. Biometrika 111(3). https://doi.org/10.1093/biomet/asad066
van der Zander, B., Liśkiewicz, M. (2016). On searching for generalized instrumental variables.
AISTATS, PMLR 51.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from causalkit.graph.latent import latent_projection
from causalkit.graph.walks import ANCESTORS, DESCENDANTS, mask_of, reach
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.instrument._problem import InstrumentProblem, Target
from causalkit.identification.query import listed
from causalkit.typing import BoolArray, Name

__all__ = [
    "Instrument",
    "InstrumentSet",
    "find_first",
    "find_instruments",
    "find_optimal",
    "find_set",
]


@dataclass(frozen=True, slots=True)
class Instrument:
    """A variable, and what to hold fixed so that it is an instrument.

    Parameters
    ----------
    name : str or int
        The instrument.
    given : tuple of names
        The conditioning set, in the order of the graph; empty for an instrument as it is.
    """

    name: Name
    given: tuple[Name, ...]

    def __str__(self) -> str:
        return _words((self.name,), self.given)


@dataclass(frozen=True, slots=True)
class InstrumentSet:
    """Variables that together are instruments, and what to hold fixed.

    Parameters
    ----------
    names : tuple of names
        As many as there are treatments or more, in the order of the graph.
    given : tuple of names
        Their common conditioning set, in the order of the graph.
    """

    names: tuple[Name, ...]
    given: tuple[Name, ...]

    def __str__(self) -> str:
        return _words(self.names, self.given)


def _words(names: tuple[Name, ...], given: tuple[Name, ...]) -> str:
    return listed(names) + (f" given {listed(given)}" if given else "")


def find_instruments(
    asked: InstrumentProblem, target: Target, *, nearby: bool = False
) -> tuple[Instrument, ...]:
    """Find every instrument for one treatment that has a conditioning set of causes.

    One search for each variable; `nearby` are those that an edge joins to the treatment.
    """
    include = mask_of(asked.graph, asked.query.given)
    ready = _as_they_are(asked, include, target)
    found = []
    for k in np.flatnonzero(_tried(asked, nearby) & ~include).tolist():
        given = include if ready[k] else asked.nearest(one(include, k), include, target)
        if given is not None:
            found.append(Instrument(asked.graph.nodes[k], asked.named(given)))
    causes = reach(asked.graph, asked.treatment, ANCESTORS)
    return tuple(
        sorted(found, key=lambda item: (len(item.given), not causes[asked.graph.index(item.name)]))
    )


def find_first(
    asked: InstrumentProblem, target: Target, *, nearby: bool = False
) -> Instrument | None:
    """Find the first of `find_instruments`: in one search, if it needs no set of its own."""
    include = mask_of(asked.graph, asked.query.given)
    ready = _as_they_are(asked, include, target)
    causes = reach(asked.graph, asked.treatment, ANCESTORS)
    for best in (ready & causes, ready):
        if best.any():
            return Instrument(asked.named(best)[0], asked.named(include))
    found = find_instruments(asked, target, nearby=nearby)
    return found[0] if found else None


def _as_they_are(asked: InstrumentProblem, include: BoolArray, target: Target) -> BoolArray:
    """Mask of those that need no more than what is included; for compliers, none is known."""
    if target == "compliers":
        return np.zeros_like(include)
    return asked.exogenous(include) & asked.relevant(include)


def _tried(asked: InstrumentProblem, nearby: bool) -> BoolArray:
    """What an own search is made for."""
    if not nearby:
        return asked.usable
    beside: BoolArray = asked.usable & asked.graph.adjacency[asked.treatment].any(axis=0)
    return beside


def find_set(asked: InstrumentProblem, *, nearby: bool = False) -> InstrumentSet | None:
    """Find as many instruments as treatments, exogenous given a common set, of full rank."""
    n_treatments = int(asked.treatment.sum())
    for given in _conditioning_sets(asked, nearby):
        pool = asked.exogenous(given) & asked.relevant(given)
        chosen = asked.moving(pool, given)
        if int(chosen.sum()) == n_treatments:
            return InstrumentSet(asked.named(chosen), asked.named(given))
    return None


def _conditioning_sets(asked: InstrumentProblem, nearby: bool) -> Iterator[BoolArray]:
    """What must be included, and the nearest separator of each node; small ones first."""
    include = mask_of(asked.graph, asked.query.given)
    sets = {include.tobytes(): include}
    for k in np.flatnonzero(_tried(asked, nearby) & ~include).tolist():
        given = asked.nearest(one(include, k), include, "everyone")
        if given is not None:
            sets.setdefault(given.tobytes(), given)
    yield from sorted(sets.values(), key=np.count_nonzero)


def find_optimal(asked: InstrumentProblem) -> InstrumentSet | None:
    """Find the instruments of least variance that a graph can promise (Henckel et al. 2024).

    Instruments are what acts on the treatment, conditions what acts on the outcome: the parents of
    a district, and its other members.
    """
    below = reach(asked.graph, asked.treatment, DESCENDANTS)
    if not (below & asked.outcome).any():
        return None
    kept = asked.treatment | asked.outcome | (asked.candidates & ~below)
    seen = Mixed.of(latent_projection(asked.graph, asked.named(kept)))
    x, y = seen.bits(asked.query.treatment), seen.bits(asked.query.outcome)
    around_x, around_y = seen.district(x, seen.all & ~y), seen.district(y, seen.all & ~x)
    given = (around_y | seen.parents_of(around_y)) & ~(x | y)
    names = (around_x | seen.parents_of(around_x)) & ~(given | x | y)
    beside = seen.parents_of(x) | seen.spouses[seen.where[asked.query.treatment[0]]]
    if not names & beside:
        return None
    chosen, fixed = (mask_of(asked.graph, seen.names(bits)) for bits in (names, given))
    return InstrumentSet(asked.named(chosen), asked.named(fixed))


def one(like: BoolArray, k: int) -> BoolArray:
    """Mask of one node."""
    mask = np.zeros_like(like)
    mask[k] = True
    return mask
