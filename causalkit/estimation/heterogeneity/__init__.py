"""For whom does it work: conditional effects, how far to believe them, and whom to treat."""
