"""Pictures of graphs and effects. Nothing here shows or saves unless asked; axes in, axes out."""

from causalkit.plotting.changes import plot_driving_force
from causalkit.plotting.effects import plot_effects
from causalkit.plotting.graph import GraphStyle, graph_svg, plot_graph, save_picture

__all__ = [
    "GraphStyle",
    "graph_svg",
    "plot_driving_force",
    "plot_effects",
    "plot_graph",
    "save_picture",
]
