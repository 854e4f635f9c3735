"""The whole chain in one call: discover, identify, estimate, challenge, report."""

from causalkit.workflow.analysis import Analysis, analyze
from causalkit.workflow.responses import impulse_response

__all__ = ["Analysis", "analyze", "impulse_response"]
