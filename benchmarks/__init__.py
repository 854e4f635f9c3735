"""Speed and accuracy beside peers, on the same data in one process. Not part of the package."""
