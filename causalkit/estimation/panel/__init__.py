"""Panels: the same units again and again, before and after treatment.

Units differ in what nobody recorded, but much of it stays as it is. Compared with themselves, units
tell how they changed; compared with units that were not treated, how much of that the treatment
did. What has to be believed is how the treated would have gone on: like the others (parallel
trends), or like a mixture of them.

======================================  ======================================================
what do I have?                         what do I take?
======================================  ======================================================
one start of treatment                  `difference_in_differences.py`
different people asked each time        `cross_sections.py`
starts at different times               `group_time.py`, which never compares with those that
                                        are treated already
one treated unit, or a few              `synthetic.py`: SyntheticControl, SyntheticDiD
a treatment that comes and goes         `fixed_effects.py`; with learners:
                                        `partially_linear_panel.py`
======================================  ======================================================
"""
