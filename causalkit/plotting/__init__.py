"""Pictures of graphs and effects. Nothing here shows or saves unless asked; axes in, axes out."""

from causalkit.plotting.changes import plot_driving_force
from causalkit.plotting.convergence import plot_convergence
from causalkit.plotting.effects import plot_effects
from causalkit.plotting.falsification import plot_falsification
from causalkit.plotting.graph import GraphStyle, graph_svg, plot_graph, save_picture
from causalkit.plotting.impulse_response import plot_impulse_response
from causalkit.plotting.link_over_time import plot_link_over_time
from causalkit.plotting.sensitivity import plot_odds_bounds, plot_pair_bounds
from causalkit.plotting.small_multiples import plot_series
from causalkit.plotting.spectra import plot_spectral_granger
from causalkit.plotting.time_series import plot_lagged_graph, plot_summary_graph

__all__ = [
    "GraphStyle",
    "graph_svg",
    "plot_convergence",
    "plot_driving_force",
    "plot_effects",
    "plot_falsification",
    "plot_graph",
    "plot_impulse_response",
    "plot_lagged_graph",
    "plot_link_over_time",
    "plot_odds_bounds",
    "plot_pair_bounds",
    "plot_series",
    "plot_spectral_granger",
    "plot_summary_graph",
    "save_picture",
]
