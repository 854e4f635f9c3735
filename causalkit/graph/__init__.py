"""Graphs: what they are, how they separate, which class they belong to."""

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
