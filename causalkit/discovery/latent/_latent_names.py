"""What hidden variables are called."""

from __future__ import annotations

from causalkit.typing import Name

__all__ = ["fresh_names"]


def fresh_names(count: int, taken: tuple[Name, ...]) -> tuple[str, ...]:
    """`L1`, `L2`, …, or with more letters L if a column is called so."""
    letter = "L"
    while any(f"{letter}{k + 1}" in taken for k in range(count)):
        letter += "L"
    return tuple(f"{letter}{k + 1}" for k in range(count))
