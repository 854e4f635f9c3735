"""Speed and accuracy beside peers, each on the same data in one process. Not part of the package."""
