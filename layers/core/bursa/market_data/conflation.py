"""Several messages of one channel in one: so a round of the feed sends a channel one message.

A listener takes one call of the gateway for each message, and the feed sends the next round when
this one is out. While records come faster than that, what they changed on a channel goes out
together; otherwise the listeners of one busy account would hold up those of all others. Pure.

Facts are whole states, so what holds for the later of two messages holds for both in one: nothing
else happened on the channel between the first one's ``previous_moment`` and the last ``moment``
(`bursa.market_data.messages`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bursa.market_data.channel_changes import CHANGES_MAX
from bursa.market_data.messages import (
    AccountBalances,
    AccountFills,
    AccountOrders,
    BookLevels,
    ChannelMessage,
    Facts,
    MarketStates,
    PublicTrades,
)
from bursa.read_models.book_format import Level


def conflated(messages: Iterable[ChannelMessage]) -> list[ChannelMessage]:
    """Return the messages of one channel, in order, in as few as they fit in."""
    fewer: list[ChannelMessage] = []
    for message in messages:
        together = _together(fewer[-1], message) if fewer else None
        if together is None:
            fewer.append(message)
        else:
            fewer[-1] = together
    return fewer


def _together(earlier: ChannelMessage, later: ChannelMessage) -> ChannelMessage | None:
    if earlier.epoch != later.epoch:
        return None
    facts = _facts(earlier.facts, later.facts)
    if facts is None:
        return None
    return replace(later, previous_moment=earlier.previous_moment, facts=facts)


def _facts(earlier: Facts, later: Facts) -> Facts | None:
    """Return both in one; None where that is too much, or one of them only counts."""
    together: Facts | None = None
    changes: list[Sequence[object]] = []
    match earlier, later:
        case BookLevels(), BookLevels():
            bids = _levels(earlier.bids, later.bids, is_best_highest=True)
            asks = _levels(earlier.asks, later.asks, is_best_highest=False)
            trading = later.trading or earlier.trading
            together, changes = BookLevels(later.market, bids, asks, trading), [bids, asks]
        case MarketStates(), MarketStates():
            of_markets = {market.number: (market, one) for market, one in earlier.states}
            of_markets |= {market.number: (market, one) for market, one in later.states}
            together = MarketStates(list(of_markets.values()))
        case PublicTrades(), PublicTrades():
            trades = [*earlier.trades, *later.trades]
            together, changes = PublicTrades(later.market, trades), [trades]
        case AccountFills(), AccountFills():
            together = AccountFills([*earlier.fills, *later.fills])
            changes = [together.fills]
        case AccountOrders(), AccountOrders():
            orders = [*earlier.orders, *later.orders]
            fills = [fill for order in orders for fill in order.fills]
            together, changes = AccountOrders(orders), [orders, fills]
        case AccountBalances(), AccountBalances():
            by_asset = {row.asset: (row, scale) for row, scale in earlier.balances}
            by_asset |= {row.asset: (row, scale) for row, scale in later.balances}
            together = AccountBalances(list(by_asset.values()))
            changes = [together.balances]
    return together if _fits(*changes) else None


def _levels(
    earlier: Sequence[Level], later: Sequence[Level], *, is_best_highest: bool
) -> list[Level]:
    return sorted((dict(earlier) | dict(later)).items(), reverse=is_best_highest)


def _fits(*changes: Sequence[object]) -> bool:
    return sum(map(len, changes)) <= CHANGES_MAX
