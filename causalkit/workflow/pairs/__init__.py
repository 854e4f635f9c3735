"""All pairs of variables at once, for a graph that is known."""
