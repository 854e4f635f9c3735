"""Momentary conditional independence: PCMCI, PCMCI+ and J-PCMCI+."""
