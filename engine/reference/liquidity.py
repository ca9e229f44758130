"""What of a price level is an account's own, and what others offer there."""

from engine.reference.model import Account, Order
from wire import layout as w


def is_own_order(account: Account, order: Order, *, by_group: bool) -> bool:
    """Whether an order is an account's own, or of an account of its group."""
    group = account.stp_group if by_group else 0
    return order.account is account or (group > 0 and group == order.account.stp_group)


def own_lots(level: list[Order], account: Account, *, by_group: bool) -> int:
    """Return how many lots of a level are an account's own."""
    own = [maker for maker in level if is_own_order(account, maker, by_group=by_group)]
    return total_lots(own)


def total_lots(level: list[Order]) -> int:
    """Return how many lots a level has in all, hidden ones included."""
    return sum(maker.remaining for maker in level)


def lots_before_own(level: list[Order], account: Account, *, by_group: bool, beyond: int) -> int:
    """Return how many lots a level shows before the first order of the account's own.

    Of a level that has one: what icebergs hide comes after all that it shows. It is looked for
    among MEASURED_MAX orders, and where it is behind them ``beyond`` is added instead.
    """
    shown = 0
    for maker in level[: w.MEASURED_MAX]:
        if is_own_order(account, maker, by_group=by_group):
            return shown
        shown += maker.visible
    return shown + beyond
