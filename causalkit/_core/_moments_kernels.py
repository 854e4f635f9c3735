"""Products of a few columns by many rows, where a general matrix product mostly packs."""

from __future__ import annotations

from causalkit._core.jit import sums_kernel
from causalkit.typing import FloatArray

__all__ = ["add_centred"]


@sums_kernel
def add_centred(
    gram: FloatArray, sums: FloatArray, tile: FloatArray, centre: FloatArray, work: FloatArray
) -> None:
    """Add sums of the deviations from `centre`, and of their products, to `sums` and `gram`.

    `tile` has shape (p, m), one column of the table a row. `work` holds some of its deviations at a
    time, so that they stay in the cache: it has as many rows as `gram`, p or more and a multiple of
    4, of which those beyond p are zero. Products are taken four rows by four, so that 16 sums stay
    in registers; only blocks of `gram` on the diagonal and above it are filled.
    """
    p, m = tile.shape
    rows, width = work.shape
    for start in range(0, m, width):
        part = min(width, m - start)
        for i in range(p):
            total = 0.0
            source, target = tile[i, start : start + part], work[i]
            for k in range(part):
                deviation = source[k] - centre[i]
                target[k] = deviation
                total += deviation
            sums[i] += total
        for a in range(0, rows, 4):
            u0, u1, u2, u3 = work[a], work[a + 1], work[a + 2], work[a + 3]
            for b in range(a, rows, 4):
                v0, v1, v2, v3 = work[b], work[b + 1], work[b + 2], work[b + 3]
                s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = 0.0
                s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = 0.0
                for k in range(part):
                    s00 += u0[k] * v0[k]
                    s01 += u0[k] * v1[k]
                    s02 += u0[k] * v2[k]
                    s03 += u0[k] * v3[k]
                    s10 += u1[k] * v0[k]
                    s11 += u1[k] * v1[k]
                    s12 += u1[k] * v2[k]
                    s13 += u1[k] * v3[k]
                    s20 += u2[k] * v0[k]
                    s21 += u2[k] * v1[k]
                    s22 += u2[k] * v2[k]
                    s23 += u2[k] * v3[k]
                    s30 += u3[k] * v0[k]
                    s31 += u3[k] * v1[k]
                    s32 += u3[k] * v2[k]
                    s33 += u3[k] * v3[k]
                g = gram[a : a + 4, b : b + 4]
                g[0, 0] += s00
                g[0, 1] += s01
                g[0, 2] += s02
                g[0, 3] += s03
                g[1, 0] += s10
                g[1, 1] += s11
                g[1, 2] += s12
                g[1, 3] += s13
                g[2, 0] += s20
                g[2, 1] += s21
                g[2, 2] += s22
                g[2, 3] += s23
                g[3, 0] += s30
                g[3, 1] += s31
                g[3, 2] += s32
                g[3, 3] += s33
