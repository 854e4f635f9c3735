"""What was intervened on, and what stays the same when something is.

An intervention replaces the mechanisms of a few variables and leaves all others alone. Regressions
on the true causes are therefore the same in every environment where the target itself was not
touched, and regressions on anything else are not. (Where the targets are known, see `GIES`.)

==========================================  ==================================================
what do I have?                             what do I take?
==========================================  ==================================================
environments, nobody says what was done     `unknown_targets.py`: the graph and the targets
environments, one variable of interest      `invariant_prediction.py`: its causes, with a bound
                                            on false ones
==========================================  ==================================================
"""
