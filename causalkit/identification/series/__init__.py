"""Effects over time, in windows of graphs of series.

A graph of series goes on for ever, a question does not: it is answered in a window of steps that is
long enough for the answer not to change (`past.py` says how long). Treatments may be one step or
last (`lagged.py`: `sustained`); where a class of graphs leaves the effect open, `possible.py` lists
what it may be.
"""
