"""The engine's outside: batches of words in, words out; checkpoints; what tests and tools read."""

from array import array

import cython

from engine.checkpoint import pack, unpack
from engine.core.audit import audit, audit_batch
from engine.core.book import book_of, next_level
from engine.core.breaker import is_breaker_paused
from engine.core.checkpoint import write_sections
from engine.core.digest import current_digest, fold_digest
from engine.core.dispatch import decide, finish
from engine.core.hints import shorten
from engine.core.index import find_account, find_balance, find_market, find_order
from engine.core.place import list_plain_flags
from engine.core.prefetch import is_large, prefetch_ahead, start_prefetch
from engine.core.records import (
    A_DEADLINE_MS,
    B_BEST,
    BAL_AVAILABLE,
    BAL_HELD,
    BAL_NUMBER,
    BOOK_PPM,
    BOOK_TICKS,
    BOOK_WORDS,
    COND_EXPIRE_MS,
    COND_TRAIL,
    L_HEAD,
    L_PRICE,
    L_VISIBLE,
    M_AUCTION_UNTIL_MS,
    M_BOOKS,
    M_NUMBER,
    M_STATE,
    MARKET_LIST,
    O_BALANCE,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    OUTPUT_MARGIN_WORDS,
    OUTPUT_WORDS,
    S_AUCTION_COUNT,
    S_COUNTDOWN_COUNT,
    S_EXPIRY_COUNT,
    S_HORIZON_MS,
    S_MARKET_COUNT,
    S_RELEASED_HEAD,
    S_SEQUENCE,
    S_TIME_MS,
    S_TRIGGERED_HEAD,
)
from engine.core.restoration import read_sections
from engine.core.settlement import reset_taker_totals
from engine.core.store import Store, grow_output, lay_out
from engine.core.trailing import current_trigger
from wire.events import Order
from wire.layout import (
    COMMAND_BYTES,
    COMMAND_LENGTH,
    EVENT_LOW_MASK,
    EVENT_MARKET_SHIFT,
    MARKET_MAX,
    REASON_INTERNAL_ERROR,
    RESULT_SUBJECT,
    SIDE_BUY,
    STATE_AUCTION,
    WORD_BYTES,
)


@cython.cfunc
def decide_batch(
    s: Store, commands: cython.p_longlong, first: cython.longlong, count: cython.longlong
) -> cython.longlong:
    """Decide commands until the end or an error; ``s.decided`` counts those decided."""
    s.decided = first
    s.guess = 0
    large: cython.bint = is_large(s)
    if cython.compiled:
        start_prefetch(s, commands, first, count)
    while s.decided < count:
        if cython.compiled:
            prefetch_ahead(s, commands, s.decided, count, large)
            decide(s, commands + s.decided * COMMAND_LENGTH)
        else:
            start = s.decided * COMMAND_LENGTH
            decide(s, commands[start : start + COMMAND_LENGTH])
        s.decided += 1
    return 0


@cython.cfunc
def record_internal_error(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Reject a command that met a bug, with what it has emitted so far."""
    s.m[S_TRIGGERED_HEAD] = 0
    s.m[S_RELEASED_HEAD] = 0
    reset_taker_totals(s)
    s.out[s.started + RESULT_SUBJECT] = 0
    return finish(s, command, REASON_INTERNAL_ERROR)


@cython.cclass
class Engine(Store):
    """A shard's books and balances: commands in, events out, nothing else.

    Parameters
    ----------
    orders, accounts, balances, holds
        How many may exist at a time; one more is rejected with ``capacity_exhausted``. They cost
        address space, not memory, until they are used.
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
        self.end = 0
        self.output = None
        self.started = 0
        self.base = 1
        self.guess = 0
        self.capacity_orders = orders
        self.capacity_accounts = accounts
        self.capacity_balances = balances
        self.capacity_holds = holds
        self.capacity_ids = remembered_ids
        lay_out(self)
        list_plain_flags(self)

    def apply(self, commands: bytes | memoryview) -> bytes:
        """Decide a batch of commands and return their events.

        Raises
        ------
        ValueError
            The length is not a whole number of commands; nothing has changed.
        InvariantViolation
            The books no longer add up; the engine must not be used any more.
        """
        data = bytes(commands)
        count, odd = divmod(len(data), COMMAND_BYTES)
        if odd:
            raise ValueError(f"{len(data)} bytes are not whole commands of {COMMAND_BYTES} bytes")
        if cython.compiled:
            raw: cython.p_char = data
            words = cython.cast(cython.p_longlong, raw)
        else:
            words = memoryview(data).cast("q").tolist()
        self.end = 0
        grow_output(self, OUTPUT_MARGIN_WORDS + count * OUTPUT_WORDS)
        self.decided = 0
        while self.decided < count:
            try:
                decide_batch(self, words, self.decided, count)
            except Exception:  # noqa: BLE001 - whatever it is, only this command fails
                start = self.decided * COMMAND_LENGTH
                if cython.compiled:
                    record_internal_error(self, words + start)
                else:
                    record_internal_error(self, words[start : start + COMMAND_LENGTH])
                self.decided += 1
        fold_digest(self)
        self.base += self.end
        audit_batch(self)
        if cython.compiled:
            shorten(self, self.end * WORD_BYTES)
        else:
            self.output = array("q", self.output[: self.end]).tobytes()
        output, self.output = self.output, None
        return output

    # --- state ------------------------------------------------------------------------------------

    @property
    def sequence(self) -> int:
        """The sequence of the last command."""
        return self.m[S_SEQUENCE]

    @property
    def time_ms(self) -> int:
        """Engine time: the latest time of an ADVANCE_TIME command."""
        return self.m[S_TIME_MS]

    @property
    def horizon_ms(self) -> int:
        """Until when commands may have been forgotten; -1 while none has been."""
        return self.m[S_HORIZON_MS]

    @property
    def next_due_ms(self) -> int:
        """When time alone changes something next: an expiry, a countdown, an auction; or 0."""
        m = self.m
        due_ms = 0
        if m[S_EXPIRY_COUNT]:
            due_ms = m[m[self.expiries + 1] + COND_EXPIRE_MS]
        if m[S_COUNTDOWN_COUNT]:
            ends_ms = m[m[self.countdowns + 1] + A_DEADLINE_MS]
            due_ms = ends_ms if not due_ms else min(due_ms, ends_ms)
        if m[S_AUCTION_COUNT]:
            for position in range(m[S_MARKET_COUNT]):
                ends_ms = m[m[MARKET_LIST + position] + M_AUCTION_UNTIL_MS]
                if ends_ms and (not due_ms or ends_ms < due_ms):
                    due_ms = ends_ms
        return due_ms

    @property
    def has_auction(self) -> bool:
        """Whether a market collects orders for an uncross, which ADVANCE_TIME states anew."""
        m = self.m
        for position in range(m[S_MARKET_COUNT]):
            if m[m[MARKET_LIST + position] + M_STATE] == STATE_AUCTION:
                return True
        return False

    @property
    def paused_markets(self) -> list:
        """The numbers of the markets whose breaker starts no auction now."""
        m = self.m
        markets = [m[MARKET_LIST + position] for position in range(m[S_MARKET_COUNT])]
        return [m[market + M_NUMBER] for market in markets if is_breaker_paused(self, market)]

    def digest(self) -> int:
        """Return the rolling state digest, 64 bits unsigned."""
        return current_digest(self)

    def checkpoint(self) -> bytes:
        """Return the whole state as bytes."""
        return pack(write_sections(self))

    @classmethod
    def restore(cls, data: bytes) -> "Engine":
        """Return an engine in a checkpoint's state.

        Raises
        ------
        CheckpointError
            The bytes are not a whole, unharmed checkpoint of a known version.
        """
        sections = unpack(data)
        orders, accounts, balances, holds, remembered_ids = sections["head"][:5]
        engine = cls(
            orders=orders,
            accounts=accounts,
            balances=balances,
            holds=holds,
            remembered_ids=remembered_ids,
        )
        read_sections(engine, sections)
        return engine

    def check(self) -> None:
        """Add everything up again.

        Raises
        ------
        InvariantViolation
            A rule that must hold after every command does not.
        """
        audit_batch(self)
        audit(self)

    # --- what tests and tools may read ------------------------------------------------------------

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """Return (available, held) in ledger units; zeros for what does not exist."""
        record = find_account(self, account)
        balance = find_balance(self, record, asset) if record and asset else 0
        if not balance:
            return (0, 0)
        return (self.m[balance + BAL_AVAILABLE], self.m[balance + BAL_HELD])

    def order(self, order_id: int) -> Order | None:
        """Return an open order's state, or None."""
        order = find_order(self, order_id) if order_id > 0 else 0
        if not order:
            return None
        m = self.m
        return Order(
            m[S_SEQUENCE],
            order_id,
            m[m[order + O_BALANCE] + BAL_NUMBER],
            m[order + O_ID_HIGH],
            m[order + O_ID_LOW],
            m[order + O_FLAGS] >> EVENT_MARKET_SHIFT & MARKET_MAX,
            m[order + O_FLAGS] & EVENT_LOW_MASK,
            m[order + O_PRICE],
            m[order + O_QUANTITY],
            m[order + O_REMAINING],
            m[order + O_FILLED_QUOTE],
        )

    def book(
        self, market: int, depth: int = 0
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks), each (price, displayed lots), best first; depth 0 = all."""
        return (self._levels(market, 0, depth), self._levels(market, 1, depth))

    def _levels(self, market: int, side: int, depth: int) -> list[tuple[int, int]]:
        m = self.m
        levels: list = []
        level = m[find_market(self, market) + M_BOOKS + side * BOOK_WORDS + B_BEST]
        while level and (not depth or len(levels) < depth):
            levels.append((m[level + L_PRICE], m[level + L_VISIBLE]))
            level = next_level(self, level)
        return levels

    def resting(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return a side's orders as (order id, remaining lots) in the order they would trade."""
        return self._queue(market, side - SIDE_BUY)

    def stops(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return a side's pending stops as (order id, lots) in the order they would trigger."""
        return self._queue(market, side - SIDE_BUY + 2)

    def trailing(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return what trails on a side as (order id, trigger) in the order it would trigger."""
        m = self.m
        found: list = []
        for book in (BOOK_TICKS, BOOK_TICKS + BOOK_PPM):
            level = m[book_of(find_market(self, market), side) + book + B_BEST]
            while level:
                order = m[level + L_HEAD]
                while order != level:
                    trigger = current_trigger(self, order)
                    nearness = trigger if side == SIDE_BUY else -trigger
                    trail = m[m[order + O_CONDITIONS] + COND_TRAIL]
                    found.append((nearness, trail, m[order + O_ID], trigger))
                    order = m[order + O_NEXT]
                level = next_level(self, level)
        return [(order_id, trigger) for _, _, order_id, trigger in sorted(found)]

    def _queue(self, market: int, book: int) -> list[tuple[int, int]]:
        m = self.m
        orders: list = []
        level = m[find_market(self, market) + M_BOOKS + book * BOOK_WORDS + B_BEST]
        while level:
            order = m[level + L_HEAD]
            while order != level:
                orders.append((m[order + O_ID], m[order + O_REMAINING]))
                order = m[order + O_NEXT]
            level = next_level(self, level)
        return orders
