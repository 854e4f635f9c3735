"""Structural causal models of tables: mechanisms on a graph.

Each variable is a function of its parents and its own noise. Run in the order of the graph, the
mechanisms draw rows; with one of them replaced, rows of another world; and with the noise that must
have produced a recorded row, what that very row would have been.
"""
