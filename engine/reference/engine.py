"""The reference engine: the executable specification of ``engine.core``.

It is written to be read, not to be fast. ``state`` is everything that it remembers, made of the
things in ``model``; the other modules are functions over it. Read them from the top down:

::

    dispatch      one command after the other: its shape, its identity, its kind's decision
    ├── place, changes                  orders: how they begin, change and end
    │   ├── order_checks, price_checks  what they may be, and by which price
    │   └── execution                   an order on its way: matched, then left to wait or ended
    │       ├── matching, stops         where two orders meet; what the last price triggers
    │       └── settlement              what a trade moves
    ├── funds                           deposits, withdrawals, transfers, holds
    ├── definitions, accounts, auction  assets, markets and their states, fees, accounts
    ├── reference_price, breaker        what collars are around, and what starts an auction
    ├── clock, countdowns               what time alone changes
    └── orders, book, ledger, ids, index, emit    what they all use: queues, balances, facts
    checkpoint, audit                   the state as words and back; everything added up again

A decision checks first, in the order of the reasons' numbers, and raises ``Rejected`` while nothing
has changed; after its last check nothing may fail. Files and functions have the names that they
have in ``engine.core``.
"""

import struct

from engine.checkpoint import pack, unpack
from engine.reference.audit import audit
from engine.reference.breaker import is_breaker_paused
from engine.reference.checkpoint import write_sections
from engine.reference.dispatch import decide
from engine.reference.model import Book
from engine.reference.restoration import read_sections
from engine.reference.state import Capacity, State
from engine.reference.trailing import current_trigger, trailing_orders
from wire import layout as w
from wire.events import Order as OrderEvent

_COMMAND = struct.Struct(f"<{w.COMMAND_LENGTH}q")


class Engine:
    """A shard's books and balances: commands in, events out, nothing else.

    Parameters
    ----------
    orders, accounts, balances, holds
        How many may exist at a time; one more is rejected with ``capacity_exhausted``.
    remembered_ids
        How many command ids are kept at most to recognise duplicates, each for ``ID_MEMORY_MS``.
        When an id is forgotten, commands with ids taken in before or when it was remembered are
        rejected with ``command_too_old``, so a command never takes effect twice, whatever the
        number; and the id of an open order is never forgotten.
    """

    def __init__(
        self,
        *,
        orders: int = 1 << 20,
        accounts: int = 1 << 20,
        balances: int = 1 << 21,
        holds: int = 1 << 16,
        remembered_ids: int = 1 << 22,
    ) -> None:
        self.state = State(Capacity(orders, accounts, balances, holds, remembered_ids))

    def apply(self, commands: bytes | memoryview) -> bytes:
        """Decide a batch of commands and return their events.

        Raises
        ------
        ValueError
            The length is not a whole number of commands; nothing has changed.
        """
        if len(commands) % w.COMMAND_BYTES:
            raise ValueError(
                f"{len(commands)} bytes are not whole commands of {w.COMMAND_BYTES} bytes"
            )
        words: list[int] = []
        for command in _COMMAND.iter_unpack(commands):
            words += decide(self.state, list(command))
        return struct.pack(f"<{len(words)}q", *words)

    # --- state ------------------------------------------------------------------------------------

    @property
    def sequence(self) -> int:
        """The sequence of the last command."""
        return self.state.sequence

    @property
    def time_ms(self) -> int:
        """Engine time: the largest an ADVANCE_TIME has brought."""
        return self.state.time_ms

    @property
    def horizon_ms(self) -> int:
        """Until when commands may have been forgotten; -1 while none has been."""
        return self.state.horizon_ms

    @property
    def next_due_ms(self) -> int:
        """When time alone changes something next: an expiry, a countdown, an auction; or 0."""
        expiries = [order.conditions.expire_ms for order in self.state.orders.values()]
        countdowns = [account.deadline_ms for account in self.state.accounts.values()]
        auctions = [market.auction_until_ms for market in self.state.markets.values()]
        return min([due_ms for due_ms in expiries + countdowns + auctions if due_ms], default=0)

    @property
    def has_auction(self) -> bool:
        """Whether a market collects orders for an uncross, which ADVANCE_TIME states anew."""
        return any(market.state == w.STATE_AUCTION for market in self.state.markets.values())

    @property
    def paused_markets(self) -> list[int]:
        """The numbers of the markets whose breaker starts no auction now."""
        markets = self.state.markets.items()
        return [one for one, market in sorted(markets) if is_breaker_paused(self.state, market)]

    def digest(self) -> int:
        """Return the rolling state digest, 64 bits unsigned."""
        return self.state.digest.now()

    def checkpoint(self) -> bytes:
        """Return the whole state as bytes."""
        return pack(write_sections(self.state))

    @classmethod
    def restore(cls, data: bytes) -> "Engine":
        """Return an engine in a checkpoint's state.

        Raises
        ------
        CheckpointError
            The bytes are not a whole, unharmed checkpoint of a known version.
        """
        engine = cls()
        engine.state = read_sections(unpack(data))
        return engine

    def check(self) -> None:
        """Add everything up again.

        Raises
        ------
        InvariantViolation
            A rule that must hold after every command does not.
        """
        audit(self.state)

    # --- what tests and tools may see -------------------------------------------------------------

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """Return (available, held) in ledger units; zeros for what does not exist."""
        balance = self.state.balances.get((account, asset))
        return (balance.available, balance.held) if balance else (0, 0)

    def order(self, order_id: int) -> OrderEvent | None:
        """Return an open order's state, or None."""
        order = self.state.orders.get(order_id)
        if order is None:
            return None
        return OrderEvent(
            self.state.sequence,
            order.order_id,
            order.account.number,
            order.id_high,
            order.id_low,
            order.market.number,
            order.flags,
            order.price,
            order.quantity,
            order.remaining,
            order.filled_quote,
        )

    def book(
        self, market: int, depth: int = 0
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks), each (price, displayed lots), best first; depth 0 = all."""
        return (
            self._levels(market, w.SIDE_BUY, depth),
            self._levels(market, w.SIDE_SELL, depth),
        )

    def _levels(self, market: int, side: int, depth: int) -> list[tuple[int, int]]:
        if market not in self.state.markets:
            return []
        book = self.state.markets[market].book(side)
        shown = book.prices()[: depth or None]
        return [(price, sum(order.visible for order in book.levels[price])) for price in shown]

    def resting(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return a side's orders as (order id, remaining lots) in the order they would trade."""
        known = self.state.markets.get(market)
        return self._queue(known.book(side)) if known else []

    def stops(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return a side's pending stops as (order id, lots) in the order they would trigger."""
        known = self.state.markets.get(market)
        return self._queue(known.stops(side)) if known else []

    def trailing(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return what trails on a side as (order id, trigger) in the order it would trigger."""
        known = self.state.markets.get(market)
        orders = trailing_orders(known, side) if known else []
        return [(order.order_id, current_trigger(order)) for order in orders]

    @staticmethod
    def _queue(book: Book) -> list[tuple[int, int]]:
        return [
            (order.order_id, order.remaining)
            for price in book.prices()
            for order in book.levels[price]
        ]
