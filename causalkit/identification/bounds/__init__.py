"""Bounds: what discrete data say of effects that no formula gives.

Of everybody who was treated the outcome under treatment was seen; only for the others may it be
anything. So data rule most numbers out even where they do not name one, and an instrument or an
effect that is known never to be negative rules out more.

=======================================  =====================================================
what do I want?                          what do I take?
=======================================  =====================================================
bounds of an effect, in any graph        `bounds.py`: `bound_effect`, by a linear program
was it the cause, in this case?          `causation.py`: `bound_causation`
a closed form                            `closed.py`: `natural_bounds`, `instrument_bounds`
=======================================  =====================================================
"""
