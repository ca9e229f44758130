"""Whether a user's level allows an operation, and how much of it.

A tenant that asks nobody who they are has no levels, and everything is allowed.
"""

from collections.abc import Callable, Sequence

from bursa.compliance.levels import ANY, Levels, Operation, Usage, require_allowed
from bursa.compliance.trade_limits import TradeLimits
from bursa.identity.principal import Principal
from bursa.kernel.identifiers import TenantId
from bursa.trading.order_value import Allow, TradingCommand


class LevelCheck:
    """Asks a tenant's levels.

    Parameters
    ----------
    levels_of
        Returns a tenant's levels, None where it asks nobody. May raise `Unavailable`.

    """

    def __init__(
        self, levels_of: Callable[[TenantId], Levels | None], trade_limits: TradeLimits
    ) -> None:
        self._levels_of = levels_of
        self._trade_limits = trade_limits

    def __call__(self, tenant: TenantId, level: int, operation: Operation) -> None:
        """Return when a level allows an operation at all.

        Raises
        ------
        Refused
            ``level_too_low``; the sentence names what the next level needs.

        """
        levels = self._levels_of(tenant)
        if levels is not None:
            number = known_level(levels, level)
            require_allowed(levels, number, operation, 0, usage=Usage(), now_ms=0)

    def of(self, principal: Principal) -> Allow:
        """Return what allows a user's new commands by how much they may trade.

        It raises what `TradeLimits.require` raises.
        """

        def allow(name: str, commands: Sequence[TradingCommand]) -> None:
            levels = self._levels_of(principal.tenant)
            if levels is None:
                return
            number = known_level(levels, principal.level)
            if levels[number].allows[Operation.TRADE] != ANY:
                self._trade_limits.require(principal.account, levels, number, name, commands)

        return allow


def known_level(levels: Levels, level: int) -> int:
    """Return a user's level among those there are: a tenant may have taken away a higher one."""
    return min(level, len(levels.levels) - 1)
