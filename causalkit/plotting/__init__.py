"""Pictures of graphs and effects. Nothing here shows or saves unless asked; axes in, axes out.

Results draw themselves: `effect.plot()`, `graph.plot()` and so on call the functions here, which
take the same axes and styles. Without axes a figure is made, of a size that fits. Graphs need no
other program: they are laid out here, causes to the left of their effects.

What do I have, and what draws it?

=============================  =================================================================
a graph                        :func:`plot_graph`; of series :func:`plot_lagged_graph`,
                               :func:`plot_summary_graph`; for a page :func:`graph_svg`; to a file
                               :func:`save_picture`; a large one in part :func:`focus_on`
series, before any method      :func:`plot_series`
effects                        :func:`plot_effects`; all pairs :func:`plot_effects_matrix`
effects over time              :func:`plot_impulse_response`, :func:`plot_event_study`,
                               :func:`plot_synthetic`
effects that differ            :func:`plot_sorted_effects`, :func:`plot_group_effects`,
                               :func:`plot_effect_dependence`, :func:`plot_rank_curve`,
                               :func:`plot_policy_tree`; of a dose :func:`plot_dose_response`
doubts about an effect         :func:`plot_challenges`, :func:`plot_balance`,
                               :func:`plot_hidden_bias`, :func:`plot_odds_bounds`,
                               :func:`plot_pair_bounds`, :func:`plot_confidence_set`,
                               :func:`plot_randomization`, :func:`plot_coverage`
a graph held against data      :func:`plot_falsification`
links that change, or cross    :func:`plot_link_over_time`, :func:`plot_driving_force`,
                               :func:`plot_convergence`, :func:`plot_spectral_granger`
methods, and twins of data     :func:`plot_intervals`, :func:`plot_critical_difference`,
                               :func:`plot_fidelity`
=============================  =================================================================
"""

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
