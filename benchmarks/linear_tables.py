"""Linear Gaussian tables of random DAGs, on which searches for graphs are judged and timed.

Each cause acts with a weight of 0.5 to 1 in size and either sign, and each node has noise with a
standard deviation of 0.7 to 1.3. In such tables variances rise along causal paths, so what an
algorithm could read from them is taken out where a benchmark standardises the columns.
"""

from __future__ import annotations

import numpy as np

from causalkit.graph import CausalGraph, random_dag


def draw_linear(
    n_nodes: int, degree: float, n_rows: int, rng: np.random.Generator
) -> tuple[np.ndarray, CausalGraph]:
    """Values, shape (n_rows, n_nodes), as they come, and the DAG of expected degree `degree`."""
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    shape = (n_nodes, n_nodes)
    weights = dag.directed * rng.uniform(0.5, 1.0, shape) * rng.choice([-1, 1], shape)
    noise = rng.normal(size=(n_rows, n_nodes)) * rng.uniform(0.7, 1.3, n_nodes)
    return noise @ np.linalg.inv(np.eye(n_nodes) - weights), dag


def in_standard_units(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and standard deviation 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)
