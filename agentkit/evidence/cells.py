"""Evidence as the cells of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentkit.result import RunResult


def columns_of(result: RunResult) -> dict[str, str]:
    """Two columns for each field: `name__source`, where it was found, and `name__verified`.

    The second has `verified`, `unverified` or `not_found`.
    """
    cells: dict[str, str] = {}
    for name, evidence in result.evidence.items():
        cells |= {f"{name}__source": evidence.source, f"{name}__verified": evidence.status}
    return cells
