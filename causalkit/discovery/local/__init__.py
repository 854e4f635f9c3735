"""Around one variable, or one effect: Markov boundaries, LocalPC, LDP."""
