"""Formulas: trees that print, an algebra that shortens them, and their values on tables.

`expression.py` has the pieces (expectations, probabilities, sums, products) and `symbols.py` how
names and values are written. `algebra.py` multiplies, sums and renames without changing the value;
`evaluation.py` computes a formula from the tables of `tables.py`, and `values.py` holds the
numbers.
"""
