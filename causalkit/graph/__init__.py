"""Causal graphs: what they say, what they separate, and which of them data cannot tell apart.

A graph says which variables have a say in how each other one comes about. Its missing edges are the
claims: variables without an edge have no direct effect on each other, and d-separation turns that
into independences that data can contradict. Several graphs imply the same independences, so what
data teach is a class of graphs. What an edge means depends on all this, so a graph knows its kind:

=====  =======================  ==================================================================
kind   edges                    what it is
=====  =======================  ==================================================================
DAG    ``->``                   every edge is a direct cause, and nothing is hidden
ADMG   ``->  <->``              direct causes, and `<->` for hidden common causes
CPDAG  ``->  --``               a class of DAGs: `--` is undecided
MAG    ``->  <->  --``          who is an ancestor of whom, among what is observed
PAG    ``->  <->  o->  o-o`` …  a class of MAGs: a circle is undecided
=====  =======================  ==================================================================

What do I have, and what do I take?

====================================  ============================================================
edges in my head, a file, a matrix    :meth:`CausalGraph.parse`, `CausalGraph.read`, and `from_…`
series with lags                      :class:`LaggedGraph` over nodes ``X[t-1]``
                                      (:class:`Lagged`); without lags, :class:`SummaryGraph`
"is x independent of y given z?"      :func:`is_separated`; what makes it so:
                                      :func:`minimal_separator`, :func:`minimum_separator`
a DAG; its class                      :func:`dag_to_cpdag`, :func:`members`, :func:`class_size`;
                                      after interventions, :func:`interventional_class`
a class, and some directions known    :func:`meek_closure`; one DAG of it:
                                      :func:`consistent_extension`
a DAG of which some nodes are hidden  :func:`latent_projection` (ADMG), :func:`dag_to_mag`,
                                      :func:`mag_to_pag`; of series, :func:`lagged_projection`,
                                      :func:`lagged_mag`, :func:`lagged_pag`
a class; "may x cause y?"             :func:`possible_descendants`, :func:`possible_ancestors`,
                                      :func:`visible_edges`
nothing, and a need of examples       :func:`random_dag`, :func:`random_admg`
====================================  ============================================================

>>> graph = CausalGraph.parse("season -> rain -> wet; season -> sprinkler -> wet")
>>> is_separated(graph, "rain", "sprinkler", "season"), class_size(dag_to_cpdag(graph))
(True, 3)
"""

from causalkit.graph.equivalence import (
    class_size,
    consistent_extension,
    dag_to_cpdag,
    is_equivalence_class,
    meek_closure,
    members,
)
from causalkit.graph.generate import random_admg, random_dag
from causalkit.graph.graph import CausalGraph
from causalkit.graph.interventional import interventional_class
from causalkit.graph.lagged import Lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.lagged_latent import lagged_mag, lagged_pag, lagged_projection
from causalkit.graph.latent import latent_projection
from causalkit.graph.mag import dag_to_mag, mag_to_pag, visible_edges
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Edge, Kind
from causalkit.graph.separation import (
    is_separated,
    minimal_separator,
    minimal_separators,
    minimum_separator,
)
from causalkit.graph.summary import SummaryGraph
from causalkit.graph.walks import possible_ancestors, possible_descendants

__all__ = [
    "ARROW",
    "CIRCLE",
    "TAIL",
    "CausalGraph",
    "Edge",
    "Kind",
    "Lagged",
    "LaggedGraph",
    "SummaryGraph",
    "class_size",
    "consistent_extension",
    "dag_to_cpdag",
    "dag_to_mag",
    "interventional_class",
    "is_equivalence_class",
    "is_separated",
    "lagged_mag",
    "lagged_pag",
    "lagged_projection",
    "latent_projection",
    "mag_to_pag",
    "meek_closure",
    "members",
    "minimal_separator",
    "minimal_separators",
    "minimum_separator",
    "possible_ancestors",
    "possible_descendants",
    "random_admg",
    "random_dag",
    "visible_edges",
]
