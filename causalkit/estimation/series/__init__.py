"""Effects in series: rows are steps, and each depends on those before.

The formula of a lagged effect names columns of earlier steps; `lagged.py` lays them side by side.
The rows that come of it are not independent, so squared influences understate the error:
`serial.py` has standard errors that count their memory (HAC), and resampling of stretches
(MovingBlocks). `responses.py` estimates what a treatment does after 0, 1, 2, … steps, with a band
over all of them, and `steps.py` knows where rows lie on the line of time.
"""
