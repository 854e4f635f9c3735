"""DirectLiNGAM as it was published, in plain NumPy, and effects by listing paths."""

from __future__ import annotations

import numpy as np

from causalkit.graph import CausalGraph


def entropy(u: np.ndarray) -> float:
    """Hyvärinen (1998), equation 15, with the constants that everybody uses."""
    return (
        (1 + np.log(2 * np.pi)) / 2
        - 79.047 * (np.mean(np.log(np.cosh(u))) - 0.37457) ** 2
        - 7.4129 * np.mean(u * np.exp(-(u**2) / 2)) ** 2
    )


def standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / x.std()


def gain(x: np.ndarray, y: np.ndarray) -> float:
    """Log-likelihood of x -> y over y -> x, a row (Hyvärinen and Smith 2013)."""
    x, y = standard(x), standard(y)
    r = np.mean(x * y)
    forwards = entropy(x) + entropy(standard(y - r * x))
    backwards = entropy(y) + entropy(standard(x - r * y))
    return backwards - forwards


def direct_order(values: np.ndarray) -> list[int]:
    """Shimizu et al. (2011), all pairs at each step."""
    values, left, order = values.copy(), list(range(values.shape[1])), []
    while left:
        charges = [
            sum(min(0.0, gain(values[:, i], values[:, j])) ** 2 for j in left if j != i)
            for i in left
        ]
        root = left.pop(int(np.argmin(charges)))
        order.append(root)
        x = standard(values[:, root])
        for j in left:
            y = values[:, j] - values[:, j].mean()
            values[:, j] = y - np.mean(x * y) * x
    return order


def total_effects(coefficients: np.ndarray) -> np.ndarray:
    """Sum over all directed paths, one by one."""
    p = len(coefficients)
    found = np.zeros((p, p))

    def walk(start: int, at: int, product: float) -> None:
        for j in np.flatnonzero(coefficients[at]):
            found[start, j] += product * coefficients[at, j]
            walk(start, j, product * coefficients[at, j])

    for i in range(p):
        walk(i, i, 1.0)
    return found


def non_gaussian_data(
    rng: np.random.Generator, dag: CausalGraph, n: int, noise: str = "laplace"
) -> np.ndarray:
    """Linear data with columns in node order, coefficients of size 0.5 to 1.2."""
    p = len(dag.nodes)
    weights = dag.directed * rng.uniform(0.5, 1.2, (p, p)) * rng.choice([-1, 1], (p, p))
    draws = {
        "laplace": rng.laplace(size=(n, p)),
        "uniform": rng.uniform(-2, 2, size=(n, p)),
        "skewed": rng.exponential(size=(n, p)),
        "gaussian": rng.normal(size=(n, p)),
    }[noise]
    return draws @ np.linalg.inv(np.eye(p) - weights)
