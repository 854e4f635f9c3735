"""Whether a pipeline keeps what its intervals say: trials on twins of the data."""
