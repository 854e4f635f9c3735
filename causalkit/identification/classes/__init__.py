"""Classes of graphs (CPDAG, PAG): what holds in all members, and what each answer would be.

Discovery seldom ends with one graph. Some effects are the same in every member of the class, and
have one formula. For the others there is a short list of possible answers, one of which is right,
and a few edges that decide between them.

=======================================  =====================================================
what do I want?                          what do I take?
=======================================  =====================================================
one formula for all members              `cpdag.py`: `class_formula`; `pag.py`: `pag_formula`
all possible answers                     `possible.py`, `lv_ida.py`: `pag_effects`
which edges decide                       `deciding.py`: `what_decides`
=======================================  =====================================================
"""
