"""From what changes between domains or over time: CD-NOD, causal de Finetti."""
