"""How a random model is put together: hidden causes, levels, and mechanisms from causes to effects.

A model whose variables are in standard units can only be built along its graph: the causes first,
with a pilot sample of them at hand, then the effect, whose mean and spread over that sample are
taken out of its mechanism. Where everything is linear there is no need for a sample, as covariances
can be followed along the graph exactly.

>>> dag = add_latents(CausalGraph.parse("x -> y; z"), 1, np.random.default_rng(0))
>>> len(dag.children("u0")) >= 2
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit.graph import CausalGraph
from causalkit.graph.marks import ARROW, TAIL, Kind
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.random_models.environments import changed_mechanism
from causalkit.models.random_models.mechanism_draws import MechanismDraw
from causalkit.models.random_models.specification import ModelSpec
from causalkit.models.random_models.standardised import rescaled, standardise_linear
from causalkit.typing import FloatArray, Name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PILOT", "add_latents", "build_mechanisms", "draw_levels", "other_mechanisms"]

PILOT: Final = 10_000
_MOST_CHILDREN: Final = 3


def add_latents(dag: CausalGraph, n_latents: int, rng: np.random.Generator) -> CausalGraph:
    """Add hidden causes of two or three variables each, after the observed ones.

    Parameters
    ----------
    dag : CausalGraph
        Kind DAG, of at least two nodes if there are hidden causes.
    n_latents : int
    rng : Generator

    Returns
    -------
    CausalGraph
        The new nodes are u0, u1, ….
    """
    p = len(dag.nodes)
    ends = np.zeros((p + n_latents, p + n_latents), dtype=np.uint8)
    ends[:p, :p] = dag.ends
    for k in range(p, p + n_latents):
        count = int(rng.integers(2, min(_MOST_CHILDREN, p) + 1))
        children = rng.permutation(p)[:count]
        ends[k, children], ends[children, k] = ARROW, TAIL
    names = (f"u{k}" for k in range(n_latents))
    return CausalGraph((*dag.nodes, *names), ends, Kind.DAG)


def draw_levels(
    spec: ModelSpec, dag: CausalGraph, latents: Sequence[Name], rng: np.random.Generator
) -> dict[Name, int]:
    """How many levels each variable has; 0 for a continuous one.

    Of mixed models about half the observed variables are discrete, and no latent one.
    """
    fewest, most = spec.n_levels
    drawn = rng.integers(fewest, most + 1, size=len(dag.nodes))
    if spec.mechanism == "mixed":
        drawn[rng.random(len(drawn)) < 0.5] = 0
        drawn[dag.indices(latents)] = 0
    elif spec.mechanism != "discrete":
        drawn[:] = 0
    return dict(zip(dag.nodes, drawn.tolist(), strict=True))


def build_mechanisms(
    spec: ModelSpec, dag: CausalGraph, n_levels: Mapping[Name, int], rng: np.random.Generator
) -> dict[Name, Mechanism]:
    """Draw the mechanism of each variable, causes first.

    Parameters
    ----------
    spec : ModelSpec
    dag : CausalGraph
    n_levels : mapping of name to int
    rng : Generator

    Returns
    -------
    dict of name to Mechanism
        In standard units if the specification says so.
    """
    draw = MechanismDraw(spec.mechanism, spec.noise, spec.weights)
    if spec.mechanism == "linear":
        made = {
            name: draw(np.empty((0, int(count))), [0] * int(count), 0, rng)
            for name, count in zip(dag.nodes, dag.directed.sum(axis=0), strict=True)
        }
        return standardise_linear(dag, made) if spec.standardize else made
    pilot = np.zeros((len(dag.nodes), PILOT))
    made = {}
    for j in dag.order.tolist():
        name, parents = dag.nodes[j], np.flatnonzero(dag.directed[:, j])
        causes: FloatArray = pilot[parents].T
        levels = [n_levels[dag.nodes[k]] for k in parents]
        mechanism = draw(causes, levels, n_levels[name], rng)
        value = mechanism.value(causes, mechanism.draw(PILOT, rng))
        if spec.standardize and not n_levels[name]:
            centre, spread = float(value.mean()), float(value.std())
            mechanism = rescaled(mechanism, centre, spread)
            value = (value - centre) / spread
        pilot[j], made[name] = value, mechanism
    return made


def other_mechanisms(
    spec: ModelSpec,
    dag: CausalGraph,
    n_levels: Mapping[Name, int],
    targets: Sequence[Name],
    pilot: pd.DataFrame,
    rng: np.random.Generator,
) -> dict[Name, Mechanism]:
    """Draw other mechanisms of some variables, with the same causes.

    Parameters
    ----------
    spec : ModelSpec
    dag : CausalGraph
    n_levels : mapping of name to int
    targets : sequence of names
    pilot : DataFrame
        Sample of all variables, latent ones included.
    rng : Generator

    Returns
    -------
    dict of name to Mechanism
    """
    draw, made = MechanismDraw(spec.mechanism, spec.noise, spec.weights), {}
    for name in targets:
        parents = [dag.nodes[k] for k in np.flatnonzero(dag.directed[:, dag.index(name)])]
        made[name] = changed_mechanism(
            draw,
            pilot[parents].to_numpy(dtype=np.float64),
            [n_levels[parent] for parent in parents],
            n_levels[name],
            rng,
            spread=float(pilot[name].std()),
        )
    return made
