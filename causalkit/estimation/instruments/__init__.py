"""Instrumental variables: two-stage least squares and its kin, and what a weak instrument does.

An instrument moves the treatment and reaches the outcome through it only, so what it explains of
the treatment is free of hidden causes. If it moves the treatment little, the usual interval is
wrong however many rows there are; the files below say how strong it is, and what holds regardless.

=======================================  =====================================================
what do I have?                          what do I take?
=======================================  =====================================================
strong instruments, a linear model       `linear.py`: 2SLS, LIML, GMM
one instrument of unknown strength       `t_ratio.py`: the tF interval
several, of unknown strength             `weak_instruments.py`: sets that cover whatever it is
"are they strong, do they agree?"        `first_stage.py`, `specification.py`
"was an instrument needed at all?"       `hausman.py`: `compare_effects`
=======================================  =====================================================
"""
