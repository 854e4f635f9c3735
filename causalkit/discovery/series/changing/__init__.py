"""Links that change: regimes, given or learnt, and windows that slide."""
