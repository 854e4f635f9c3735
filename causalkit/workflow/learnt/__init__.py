"""An effect over all graphs that the data leave possible."""
