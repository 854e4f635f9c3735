"""Effects over time, in windows of graphs of series."""
