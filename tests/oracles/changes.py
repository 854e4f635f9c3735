"""Changes of mechanisms by n x n matrices, as the equations have them."""

from __future__ import annotations

import numpy as np


def gaussian(values, width):
    distance = ((values[:, None, :] - values[None, :, :]) ** 2).sum(axis=2)
    return np.exp(-distance / (2 * width**2))


def kernel_of_surrogate(codes=None, time=None, width=None):
    n = len(codes) if codes is not None else len(time)
    kernel = np.ones((n, n))
    if codes is not None:
        kernel *= codes[:, None] == codes
    if time is not None:
        kernel *= gaussian(((time - time.mean()) / time.std())[:, None], width)
    return kernel


def gram_of_change(effect, causes, kernel_c, shared_ridge, ridge):
    """n^-1 K_C [K_X^2 o (A^-1 R K_Y R' A^-1)] K_C for all rows."""
    n = len(effect)
    k_y = gaussian(effect, 0.5 * np.sqrt(effect.shape[1]))
    k_x = np.ones((n, n)) if causes is None else gaussian(causes, 0.5 * np.sqrt(causes.shape[1]))
    left = shared_ridge * np.linalg.inv(k_x + shared_ridge * np.eye(n))
    inverse = np.linalg.inv(k_x * kernel_c + ridge * np.eye(n))
    b = inverse @ left @ k_y @ left.T @ inverse
    return kernel_c @ ((k_x @ k_x) * b) @ kernel_c / n


def log_likelihood(kernel, targets, ridge):
    """Of independent Gaussian processes with covariance s² (K + ridge I), at the best s²."""
    n, q = targets.shape
    covariance = kernel + ridge * np.eye(n)
    quadratic = np.trace(targets.T @ np.linalg.inv(covariance) @ targets)
    scale = quadratic / (n * q)
    logdet = np.linalg.slogdet(scale * covariance)[1]
    return -0.5 * (n * q * np.log(2 * np.pi) + q * logdet + n * q)


def u_centred(gram):
    """Székely and Rizzo (2014), eq. 2.3, entry by entry."""
    n = len(gram)
    bare = gram - np.diag(np.diag(gram))
    found = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                found[i, j] = (
                    bare[i, j]
                    - bare[i].sum() / (n - 2)
                    - bare[:, j].sum() / (n - 2)
                    + bare.sum() / ((n - 1) * (n - 2))
                )
    return found


def gaussianised(gram):
    squares = np.diag(gram)
    distance = squares[:, None] + squares - 2 * gram
    return np.exp(-distance / (2 * np.median(distance[np.tril_indices(len(gram), -1)])))


def dependence(first, second):
    """Normalised dependence of two curves with these kernels of points, without bias."""
    one, other = u_centred(first), u_centred(second)
    return (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())
