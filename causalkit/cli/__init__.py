"""The command line: `causalkit analyze`, `causalkit discover`, `causalkit demo`."""
