"""What a twin is made of: forms of columns, and the graph that data call for.

Real data are rounded and bounded, have piles at zero, values that stand still, gaps, outages,
copies, seasons. Each of these is found in the data and put into the mechanism or around it, so that
what is drawn has it too, and the graph of what is drawn stays exact.
"""
