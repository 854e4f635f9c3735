"""An effect over all graphs that the data leave possible.

Searches on resamples find the graphs (`graph_learning`, `series_graphs`), and scores say which are
kept (`screening`, `graph_set`). Each graph is asked for its answers (`answers`), each different
answer is estimated once (`over_graphs`), and the result has the hull of their intervals and the
edge that would narrow it most (`learnt_result`, `learnt_contrasts`, `edge_values`).
"""
