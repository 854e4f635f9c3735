"""causal-learn's RLCD in a process of its own: `python -m causalkit.discovery.latent._rlcd_worker`.

It walks through sets of names, whose order differs from process to process with the seed of
Python's hashes, and its answer with it. So it is run where that seed is 0, and the same table gives
the same graph. Settings come in and the answer goes out as pickles, through the standard streams.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from causalkit.discovery.latent.latent_rank import CrossRanks
from causalkit.errors import NumericalError
from causalkit.typing import FloatArray

__all__ = ["Ranks", "learn_in_own_process"]

_LIBRARIES: Final = ("OMP", "OPENBLAS", "MKL", "NUMBA")


class Ranks:
    """Our rank test, as causal-learn asks it."""

    def __init__(self, values: FloatArray) -> None:
        correlations = values.T @ values / len(values)
        self._ranks = CrossRanks(tuple(range(values.shape[1])), correlations, len(values))

    def test(self, pcols: Sequence[int], qcols: Sequence[int], r: int, alpha: float) -> bool:
        """Whether a rank of r or less is not rejected."""
        rows, columns = [int(k) for k in pcols], [int(k) for k in qcols]
        return self._ranks.test(rows, columns, r).p_value > alpha


def learn_in_own_process(
    values: FloatArray, settings: dict[str, Any]
) -> tuple[FloatArray, list[str]]:
    """Marks as causal-learn writes them, shape (p + latents, p + latents), and names of latents.

    Raises
    ------
    NumericalError
        If it breaks down.
    """
    held = {f"{library}_NUM_THREADS": "1" for library in _LIBRARIES}
    held["JOBLIB_MULTIPROCESSING"] = "0"  # it would start workers for tasks of milliseconds
    path = os.pathsep.join(place for place in sys.path if place)
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=pickle.dumps((values, settings)),
        capture_output=True,
        check=False,
        env={**os.environ, **held, "PYTHONHASHSEED": "0", "PYTHONPATH": path},
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise NumericalError(
            f"causal-learn's RLCD broke down with {said[-1]}; expected data that its model can be "
            "fitted to. Look for values far out, or bring more rows."
        )
    marks, latents = pickle.loads(done.stdout)
    return np.asarray(marks), list(latents)


def _learn(values: FloatArray, settings: dict[str, Any]) -> tuple[FloatArray, list[str]]:
    from causallearn.search.HiddenCausal.RLCD import RLCD

    # Its own names, from which it reads numbers and whether a variable is hidden.
    found = RLCD(values, ranktest_method=Ranks(values), **settings)
    names = [node.get_name() for node in found.G.nodes]
    return np.asarray(found.G.graph, dtype=np.float64), names[values.shape[1] :]


if __name__ == "__main__":
    out, sys.stdout = sys.stdout, sys.stderr
    warnings.simplefilter("ignore")
    answer = _learn(*pickle.load(sys.stdin.buffer))
    out.buffer.write(pickle.dumps(answer))
