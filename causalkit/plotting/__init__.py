"""Pictures of graphs and effects. Nothing here shows or saves unless asked; axes in, axes out."""

from causalkit.plotting.balance import plot_balance
from causalkit.plotting.challenges import plot_challenges
from causalkit.plotting.changes import plot_driving_force
from causalkit.plotting.convergence import plot_convergence
from causalkit.plotting.coverage import plot_coverage
from causalkit.plotting.dose_response import plot_dose_response
from causalkit.plotting.effects import plot_effects
from causalkit.plotting.falsification import plot_falsification
from causalkit.plotting.fidelity import plot_fidelity
from causalkit.plotting.focus import Focus, focus_on
from causalkit.plotting.graph import GraphStyle, graph_svg, plot_graph, save_picture
from causalkit.plotting.heat_map import plot_effects_matrix
from causalkit.plotting.heterogeneity import (
    plot_effect_dependence,
    plot_group_effects,
    plot_policy_tree,
    plot_rank_curve,
    plot_sorted_effects,
)
from causalkit.plotting.impulse_response import plot_impulse_response
from causalkit.plotting.leaderboard import plot_critical_difference, plot_intervals
from causalkit.plotting.link_over_time import plot_link_over_time
from causalkit.plotting.panel import plot_event_study, plot_synthetic
from causalkit.plotting.randomization import plot_randomization
from causalkit.plotting.sensitivity import plot_hidden_bias, plot_odds_bounds, plot_pair_bounds
from causalkit.plotting.small_multiples import plot_series
from causalkit.plotting.spectra import plot_spectral_granger
from causalkit.plotting.time_series import plot_lagged_graph, plot_summary_graph
from causalkit.plotting.weak_instruments import plot_confidence_set

__all__ = [
    "Focus",
    "GraphStyle",
    "focus_on",
    "graph_svg",
    "plot_balance",
    "plot_challenges",
    "plot_confidence_set",
    "plot_convergence",
    "plot_coverage",
    "plot_critical_difference",
    "plot_dose_response",
    "plot_driving_force",
    "plot_effect_dependence",
    "plot_effects",
    "plot_effects_matrix",
    "plot_event_study",
    "plot_falsification",
    "plot_fidelity",
    "plot_graph",
    "plot_group_effects",
    "plot_hidden_bias",
    "plot_impulse_response",
    "plot_intervals",
    "plot_lagged_graph",
    "plot_link_over_time",
    "plot_odds_bounds",
    "plot_pair_bounds",
    "plot_policy_tree",
    "plot_randomization",
    "plot_rank_curve",
    "plot_series",
    "plot_sorted_effects",
    "plot_spectral_granger",
    "plot_summary_graph",
    "plot_synthetic",
    "save_picture",
]
