"""The whole chain in one call: discover, identify, estimate, challenge, report."""

from causalkit.workflow.analysis import Analysis, analyze

__all__ = ["Analysis", "analyze"]
