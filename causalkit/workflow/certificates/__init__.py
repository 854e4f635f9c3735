"""Whether a pipeline keeps what its intervals say: trials on twins of the data.

A graph that may be right is drawn (`drawn_graphs`), a twin of the data is fitted to it
(`twin_draws`), and the whole pipeline runs on tables that the twin draws (`twin_trials`), each kept
in a journal as it ends (`trial_journal`). A certificate counts how often the intervals had the true
effect, with the error of so many trials in groups (`monte_carlo`).
"""
