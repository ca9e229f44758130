"""Whether a user's level allows an operation at all; how much of it is not counted yet.

A tenant that asks nobody who they are has no levels, and everything is allowed.
"""

from collections.abc import Callable

from bursa.compliance.levels import Levels, Operation, Usage, require_allowed
from bursa.kernel.identifiers import TenantId


class LevelCheck:
    """Asks a tenant's levels.

    Parameters
    ----------
    levels_of
        Returns a tenant's levels, None where it asks nobody. May raise `Unavailable`.

    """

    def __init__(self, levels_of: Callable[[TenantId], Levels | None]) -> None:
        self._levels_of = levels_of

    def __call__(self, tenant: TenantId, level: int, operation: Operation) -> None:
        """Return when a level allows an operation.

        Raises
        ------
        Refused
            ``level_too_low``; the sentence names what the next level needs.

        """
        levels = self._levels_of(tenant)
        if levels is None:
            return
        # A tenant may have taken away a level that somebody had.
        known = min(level, len(levels.levels) - 1)
        require_allowed(levels, known, operation, 0, usage=Usage(), now_ms=0)
