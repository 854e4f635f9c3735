"""Effects in series: rows are steps, and each depends on those before."""
