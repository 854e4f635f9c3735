"""Reports: one self-contained HTML page, plain values for JSON, and the code that reruns it all."""

from causalkit.report.code import rerun_code
from causalkit.report.page import render
from causalkit.report.plain import to_plain

__all__ = ["render", "rerun_code", "to_plain"]
