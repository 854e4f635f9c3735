"""Series before anything is learnt: what they look like, and what makes them stationary."""
