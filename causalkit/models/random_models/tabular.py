"""Random models of tables: a graph, mechanisms, and data with the exact truth.

:func:`random_model` draws a model from a :class:`ModelSpec`; its `sample` draws data and says what
is true of them: the graph over what is observed, effects, targets of interventions.

>>> model = random_model(n_nodes=5, mechanism="gaussian-process", rng=0)
>>> draw = model.sample(200, rng=1)
>>> draw.data.shape, draw.graph == model.graph
((200, 5), True)

Rows of several environments come in two ways. With `n_domains` in the specification some mechanisms
differ from domain to domain, as nature has it; with :meth:`RandomModel.sample_interventions`
somebody acts on variables, which are named in `Draw.targets` and may be told to a method or not.

>>> acted = model.sample_interventions(300, [["x0"], ["x3"]], kind="shift", rng=1)
>>> dict(acted.targets)
{0: (), 1: ('x0',), 2: ('x3',)}
>>> acted.data["environment"].nunique()
3
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from causalkit._core.random import as_generator
from causalkit.models.random_models.building import (
    PILOT,
    add_latents,
    build_mechanisms,
    draw_levels,
    other_mechanisms,
)
from causalkit.models.random_models.environments import drawn_targets
from causalkit.models.random_models.graphs import dag_of_shape
from causalkit.models.random_models.selection import draw_selection
from causalkit.models.random_models.specification import ModelSpec
from causalkit.models.random_models.tabular_model import RandomModel
from causalkit.typing import RandomState

__all__ = ["random_model"]


def random_model(
    spec: ModelSpec | None = None, rng: RandomState = None, **settings: Any
) -> RandomModel:
    """Draw a model of a table.

    Parameters
    ----------
    spec : ModelSpec, optional
        What kind of model; the defaults if left out.
    rng : int, Generator or None
    **settings
        Attributes of :class:`ModelSpec` that are different from those of `spec`.

    Returns
    -------
    RandomModel
        Its `sample` draws data; its `graph` and `effect` are the truth.

    Raises
    ------
    InputError
        If a setting is unknown or out of range.

    Notes
    -----
    **Assumes:** nothing; a drawn model is its own truth. Noises are independent, so all common
    causes are nodes of `dag`, hidden ones included.

    Every edge is felt: slopes are bounded away from zero, and nonlinear functions and tables are
    drawn again until each cause takes part in a fair share of their variance. Paths may still
    cancel each other in part, as in any model.

    In standard units neither variances nor R² given all others sort continuous variables on average
    (mean R² sortability of 50 models of ten nodes, degree 2 or 4: 0.47 to 0.54, standard error
    0.03). In a single model they may, and with discrete variables among them R² falls along paths
    ("mixed", degree 4: 0.41). Look at `Draw.r2_sortability` before you believe a
    ranking.

    References
    ----------
    Ormaniec, Sussex, Lorch, Schölkopf and Krause (2025), "Standardizing structural causal models",
    ICLR, doi:10.48550/arXiv.2406.11601.

    Examples
    --------
    >>> model = random_model(n_nodes=6, mechanism="mlp", n_latents=1, rng=0)
    >>> model.graph.kind.name, model.latents
    ('ADMG', ('u0',))
    >>> same = random_model(ModelSpec(n_nodes=6, mechanism="mlp", n_latents=1), 0)
    >>> same.sample(10, rng=1).data.equals(model.sample(10, rng=1).data)
    True
    """
    spec = ModelSpec.of(spec, settings)
    generator = as_generator(rng)
    observed = dag_of_shape(spec.graph, spec.n_nodes, spec.degree, generator)
    dag = add_latents(observed, spec.n_latents, generator)
    latents = dag.nodes[spec.n_nodes :]
    n_levels = draw_levels(spec, dag, latents, generator)
    mechanisms = build_mechanisms(spec, dag, n_levels, generator)
    model = RandomModel(spec, dag, latents, mechanisms, n_levels)
    if spec.selection is None and spec.n_domains == 1:
        return model
    pilot = model.structural.sample(PILOT, generator, with_latents=True)
    if spec.selection is not None:
        causes = tuple(observed.nodes[k] for k in generator.permutation(spec.n_nodes)[:2].tolist())
        values = pilot[list(causes)].to_numpy(dtype=np.float64)
        model = replace(model, selection=draw_selection(causes, values, spec.selection, generator))
    count = max(1, round(spec.changing * spec.n_nodes))
    targets = drawn_targets(observed.nodes, spec.n_domains - 1, count, generator)
    changes = tuple(
        other_mechanisms(spec, dag, n_levels, names, pilot, generator) for names in targets
    )
    return replace(model, changes=changes)
