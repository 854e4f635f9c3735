"""For whom does it work: conditional effects, how far to believe them, and whom to treat.

Three steps, of which the second is the one most often left out:

1. *Estimate* an effect for each row. EconML's estimators behind one interface:
   `conditional.py` (what they share), `residual_models.py` (LinearDML, SparseLinearDML,
   CausalForest), `score_models.py` (DRLearner), `with_instrument.py` (OrthoIV, DMLIV),
   `meta_learners.py` (S, T, X, domain adaptation).
2. *Judge* them on rows that they were not learnt from, by doubly robust scores (`row_scores.py`),
   which need no conditional model: does the ranking hold (`rank_weighted.py`), do predictions
   spread as effects do (`projection.py`), what do groups gain (`sorted_groups.py`)?
3. *Decide*: a tree that a person can read (`policy_tree.py`), and what it is worth (`policies.py`).
"""
