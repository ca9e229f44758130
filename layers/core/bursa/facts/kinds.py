"""The kinds of facts, and which of them are put. Pure."""

from typing import Final

ORDER_DONE: Final = "order.done"
ORDER_UNFILLED: Final = "order.unfilled"
TRADE_EXECUTED: Final = "trade.executed"
TRANSFER_MADE: Final = "transfer.made"
BALANCE_CHANGED: Final = "balance.changed"
MARKET_STATE: Final = "market.state"

KINDS: Final = (
    ORDER_DONE,
    ORDER_UNFILLED,
    TRADE_EXECUTED,
    TRANSFER_MADE,
    BALANCE_CHANGED,
    MARKET_STATE,
)


def read_kinds(text: str) -> frozenset[str]:
    """Read kinds, comma-separated; raises `ValueError` for any other."""
    kinds = frozenset(one.strip() for one in text.split(",") if one.strip())
    unknown = sorted(kinds - set(KINDS))
    if unknown:
        raise ValueError(f"{unknown[0]} is no kind of fact; there are {', '.join(KINDS)}.")
    return kinds
