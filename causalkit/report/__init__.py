"""Reports: one self-contained HTML page, plain values for JSON, and the code that reruns it all.

An :class:`~causalkit.workflow.Analysis` is told three times, for three readers. Users reach all
three from the analysis itself:

======================================  ========================================================
who decides, or signs                   :func:`render`, as `analysis.to_html(...)`: the answer and
                                        its doubts on a first page, the technical part behind it;
                                        nothing is fetched, so it can be sent and archived
a program                               :func:`to_plain`, as `analysis.to_dict()`: strings, finite
                                        numbers, lists and dicts
who wants to run it again               :func:`rerun_code`, as `analysis.code()`: Python that gives
                                        the same answer from the same data
======================================  ========================================================

Words and pictures are made from the analysis alone: nothing is estimated here.
"""

from causalkit.report.code import rerun_code
from causalkit.report.page import render
from causalkit.report.plain import to_plain

__all__ = ["render", "rerun_code", "to_plain"]
