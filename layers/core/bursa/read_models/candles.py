"""What traded in a market minute by minute, and in longer intervals. Pure.

Of each interval there is one candle that goes on, in the row of the market's book; so a trade costs
no write of its own, and counts once, because the book knows which sequence it reflects. With the
first trade of a later interval it has ended, never changes again and becomes a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from wire import events as e
from wire import layout as w

MINUTE_MS: Final = 60_000
# Those that are asked for most, the shortest first: of any other, a candle is put together from a
# few of these (`bursa.market_data.intervals`).
STORED_MS: Final[dict[str, int]] = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "1d": 1_440 * MINUTE_MS,
}


@dataclass(frozen=True, slots=True)
class Candle:
    """What traded in an interval that begins at ``start_ms``: ticks, lots, quote units.

    What takers bought is counted apart, as part of the volumes. Fees are what the tenant took of
    the base and of the quote asset, in ledger units; rebates are taken off. They are its own
    business: no public response has them.
    """

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trades: int
    taker_buy_volume: int
    taker_buy_quote_volume: int
    base_fees: int
    quote_fees: int

    def followed_by(self, later: "Candle") -> "Candle":
        """Return both as one that begins where this one does."""
        return Candle(
            self.start_ms,
            self.open,
            max(self.high, later.high),
            min(self.low, later.low),
            later.close,
            self.volume + later.volume,
            self.quote_volume + later.quote_volume,
            self.trades + later.trades,
            self.taker_buy_volume + later.taker_buy_volume,
            self.taker_buy_quote_volume + later.taker_buy_quote_volume,
            self.base_fees + later.base_fees,
            self.quote_fees + later.quote_fees,
        )

    def at(self, start_ms: int) -> "Candle":
        """Return the same trades as of an interval that begins then."""
        return replace(self, start_ms=start_ms)


@dataclass(frozen=True, slots=True)
class EndedCandle:
    """A candle of one of the stored intervals that never changes again."""

    tenant: str
    market: str
    interval: str
    candle: Candle


def of_trade(trade: e.Trade, time_ms: int) -> Candle:
    """Return a trade by itself as the candle of its moment."""
    price, lots, value = trade.price, trade.quantity, trade.quote_amount
    bought = trade.taker_side == w.SIDE_BUY
    # A fee is taken from what one receives; a rebate, out of the taker's fee, from what one gives.
    fee, other_fee = trade.taker_fee + min(trade.maker_fee, 0), max(trade.maker_fee, 0)
    return Candle(
        time_ms,
        *(price, price, price, price),
        *(lots, value, 1),
        *((lots, value) if bought else (0, 0)),
        *((fee, other_fee) if bought else (other_fee, fee)),
    )


def candles_with_trade(
    going_on: Sequence[Candle], trade: e.Trade, time_ms: int
) -> tuple[list[Candle], list[tuple[str, Candle]]]:
    """Add a trade to the candles that go on, one of each stored interval; trades come in order.

    Returns
    -------
    tuple
        Those that go on now, and those that have ended, each with its interval.

    """
    alone = of_trade(trade, time_ms)
    now: list[Candle] = []
    ended: list[tuple[str, Candle]] = []
    for position, (interval, length_ms) in enumerate(STORED_MS.items()):
        new = alone.at(time_ms - time_ms % length_ms)
        before = going_on[position] if going_on else None
        if before is not None and before.start_ms == new.start_ms:
            new = before.followed_by(new)
        elif before is not None:
            ended.append((interval, before))
        now.append(new)
    return now, ended
