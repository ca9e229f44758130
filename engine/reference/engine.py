"""The reference engine: the executable specification of ``engine.core``.

It is written to be read, not to be fast. Read it from here: ``apply`` decides one command after
the other; each command first meets ``_check_shape`` and ``_check_identity``, then its handler,
which refuses or acts. The layers below, from the bottom up: ``ledger`` (who has what),
``matching`` (where two orders meet), ``auction``, ``commands_orders``, ``commands_changes``,
``commands_funds``.
"""

import struct
from typing import TYPE_CHECKING

from engine.digest import Digest
from engine.reference.commands_funds import FundsCommands
from engine.reference.model import Order, Refusal, Side, Taken
from engine.reference.saving import audit, load, save
from engine.snapshot import pack, unpack
from wire import layout as w
from wire.events import Order as OrderEvent

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMAND = struct.Struct("<16q")

# Kind -> the first word that must be 0, and whether it is about an account.
_SHAPES = {
    w.COMMAND_PLACE: (13, True),
    w.COMMAND_CANCEL: (8, True),
    w.COMMAND_CANCEL_ALL: (7, True),
    w.COMMAND_AMEND: (12, True),
    w.COMMAND_REPLACE: (12, True),
    w.COMMAND_CANCEL_ALL_AFTER: (6, True),
    w.COMMAND_CREDIT: (7, True),
    w.COMMAND_DEBIT: (7, True),
    w.COMMAND_HOLD: (8, True),
    w.COMMAND_RELEASE: (8, True),
    w.COMMAND_CAPTURE: (8, True),
    w.COMMAND_TRANSFER: (8, True),
    w.COMMAND_DEFINE_ASSET: (10, False),
    w.COMMAND_DEFINE_MARKET: (14, False),
    w.COMMAND_SET_MARKET_LIMITS: (13, False),
    w.COMMAND_SET_MARKET_STATE: (8, False),
    w.COMMAND_SET_FEE_TIER: (9, False),
    w.COMMAND_SET_ACCOUNT: (8, True),
    w.COMMAND_ADVANCE_TIME: (5, False),
    w.COMMAND_EPOCH: (8, False),
    w.COMMAND_REJECT: (6, None),
}
_TAKES_HOLD_ID = (w.COMMAND_HOLD, w.COMMAND_RELEASE, w.COMMAND_CAPTURE)
_NOT_REMEMBERED = (
    w.REASON_MALFORMED_COMMAND,
    w.REASON_DUPLICATE_COMMAND,
    w.REASON_COMMAND_TOO_OLD,
)


class Engine(FundsCommands):
    """A shard's books and balances: commands in, events out, nothing else.

    Parameters
    ----------
    orders, accounts, balances, holds
        How many may exist at a time; one more is refused with ``capacity_exhausted``.
    remembered_ids
        How many command ids are kept to recognise duplicates. When an id is forgotten, commands
        with ids taken in before or when it was remembered are refused with ``command_too_old``,
        so a command never takes effect twice, whatever the number.
    """

    def __init__(
        self,
        *,
        orders: int = 1 << 20,
        accounts: int = 1 << 20,
        balances: int = 1 << 21,
        holds: int = 1 << 16,
        remembered_ids: int = 1 << 20,
    ) -> None:
        super().__init__(
            orders=orders,
            accounts=accounts,
            balances=balances,
            holds=holds,
            remembered_ids=remembered_ids,
        )
        self.fired: list[Order] = []
        # Command id -> (order id, 0 or minus the reason; the time before which it is certain to
        # be recognised). Insertion order is the ring's.
        self.remembered: dict[tuple[int, int], tuple[int, int]] = {}
        self.horizon_ms = -1
        self.epoch = [0, 0, 0]
        self.state_digest = Digest()
        self.taken = Taken()
        self.closed = 0
        self._handlers: dict[int, Callable[[int, list[int]], int]] = {
            w.COMMAND_PLACE: self._place,
            w.COMMAND_CANCEL: self._cancel,
            w.COMMAND_CANCEL_ALL: self._cancel_all,
            w.COMMAND_AMEND: self._amend,
            w.COMMAND_REPLACE: self._replace,
            w.COMMAND_CANCEL_ALL_AFTER: self._cancel_all_after,
            w.COMMAND_CREDIT: self._credit,
            w.COMMAND_DEBIT: self._debit,
            w.COMMAND_HOLD: self._hold,
            w.COMMAND_RELEASE: self._release,
            w.COMMAND_CAPTURE: self._settle_hold,
            w.COMMAND_TRANSFER: self._transfer,
            w.COMMAND_DEFINE_ASSET: self._define_asset,
            w.COMMAND_DEFINE_MARKET: self._define_market,
            w.COMMAND_SET_MARKET_LIMITS: self._set_market_limits,
            w.COMMAND_SET_MARKET_STATE: self._set_market_state,
            w.COMMAND_SET_FEE_TIER: self._set_fee_tier,
            w.COMMAND_SET_ACCOUNT: self._set_account,
            w.COMMAND_ADVANCE_TIME: self._advance_time,
            w.COMMAND_EPOCH: self._epoch,
            w.COMMAND_REJECT: self._reject,
        }

    @property
    def next_due_ms(self) -> int:
        """When time alone changes something next: an expiry or a countdown's end; 0 for never."""
        expiries = (order.expire_ms for order in self.orders.values() if order.expire_ms)
        countdowns = (one.deadline_ms for one in self.accounts.values() if one.deadline_ms)
        return min([*expiries, *countdowns], default=0)

    def digest(self) -> int:
        """Return the rolling state digest, 64 bits unsigned."""
        return self.state_digest.now()

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
            words += self._decide(list(command))
        return struct.pack(f"<{len(words)}q", *words)

    def _decide(self, command: list[int]) -> list[int]:
        """Decide one command: a result first, then the facts that it has caused."""
        self.sequence += 1
        self.closed = 0
        self.facts = []
        reason, order_id = w.REASON_ACCEPTED, 0
        try:
            self._check_shape(command)
            self._check_identity(command)
            kind, account = command[w.HEADER_KIND], command[w.HEADER_ACCOUNT]
            order_id = self._handlers[kind](account, command)
        except Refusal as refusal:
            reason = refusal.reason
        subject = order_id or self.closed
        if reason == w.REASON_DUPLICATE_COMMAND:
            subject = self.remembered.get(self._id_of(command), (0, 0))[0]
        elif reason not in _NOT_REMEMBERED:
            self._remember(command, order_id if reason == w.REASON_ACCEPTED else -reason)
        words = self._result(command, reason, subject) + self._finish_facts()
        self.state_digest.fold(words)
        return words

    def _result(self, command: list[int], reason: int, subject: int) -> list[int]:
        """Return what a command's output begins with."""
        kind = command[w.HEADER_KIND]
        return [
            w.EVENT_RESULT << w.EVENT_KIND_SHIFT
            | self.time_ms << w.RESULT_TIME_SHIFT
            | reason << w.RESULT_REASON_SHIFT
            | (kind if kind in _SHAPES else 0),
            self.sequence,
            *self._id_of(command),
            command[w.HEADER_ACCOUNT],
            subject,
            command[w.HEADER_TIME_MS],
        ]

    @staticmethod
    def _check_shape(command: list[int]) -> None:
        """Refuse what no intake would write, whatever the state."""
        kind, account = command[w.HEADER_KIND], command[w.HEADER_ACCOUNT]
        if kind not in _SHAPES:
            raise Refusal(w.REASON_MALFORMED_COMMAND)
        first_unused, has_account = _SHAPES[kind]
        tenant = w.account_tenant(account)
        if (
            any(command[first_unused:])
            or not 0 <= command[w.HEADER_TIME_MS] <= w.TIME_MS_MAX
            or not 0 <= tenant <= w.TENANT_MAX
            or (has_account is False and account)
            or (kind == w.COMMAND_PLACE and command[w.PLACE_FLAGS] >> w.FLAGS_BITS)
            or (kind in _TAKES_HOLD_ID and command[w.FUNDS_HOLD_ID] <= 0)
        ):
            raise Refusal(w.REASON_MALFORMED_COMMAND)

    def _check_identity(self, command: list[int]) -> None:
        """Refuse a command that has been decided before, or may have been."""
        command_id = self._id_of(command)
        if command_id != (0, 0):
            if command_id in self.remembered:
                raise Refusal(w.REASON_DUPLICATE_COMMAND)
            if command[w.HEADER_TIME_MS] <= self.horizon_ms:
                raise Refusal(w.REASON_COMMAND_TOO_OLD)
        _, has_account = _SHAPES[command[w.HEADER_KIND]]
        if has_account and not w.account_tenant(command[w.HEADER_ACCOUNT]):
            raise Refusal(w.REASON_UNKNOWN_ACCOUNT)

    @staticmethod
    def _id_of(command: list[int]) -> tuple[int, int]:
        return command[w.HEADER_ID_HIGH], command[w.HEADER_ID_LOW]

    def _remember(self, command: list[int], outcome: int) -> None:
        """Keep a command's id and outcome; forget the oldest when there is no room."""
        command_id = self._id_of(command)
        if command_id == (0, 0):
            return
        if len(self.remembered) >= self.capacity_ids:
            oldest = next(iter(self.remembered))
            self.horizon_ms = max(self.horizon_ms, self.remembered.pop(oldest)[1])
        stamp_ms = max(self.time_ms, command[w.HEADER_TIME_MS])
        self.remembered[command_id] = (outcome, stamp_ms)

    # --- state ------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Return the whole state as bytes."""
        return pack(save(self))

    @classmethod
    def restore(cls, data: bytes) -> "Engine":
        """Return an engine in a snapshot's state.

        Raises
        ------
        SnapshotError
            The bytes are not a whole, unharmed snapshot of a known version.
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
        load(engine, sections)
        return engine

    def check(self) -> None:
        """Add everything up again.

        Raises
        ------
        InvariantViolation
            A rule that must hold after every command does not.
        """
        audit(self)

    # --- what tests and tools may see -------------------------------------------------------------

    def order(self, order_id: int) -> OrderEvent | None:
        """Return an open order's state, or None."""
        order = self.orders.get(order_id)
        if order is None:
            return None
        return OrderEvent(
            self.sequence,
            order.order_id,
            order.account.number,
            order.id_high,
            order.id_low,
            order.market.number,
            order.terms,
            order.price,
            order.quantity,
            order.remaining,
            order.filled_quote,
        )

    def book(
        self, market: int, depth: int = 0
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (bids, asks), each (price, displayed lots), best first; depth 0 = all."""
        known = self.markets.get(market)
        if known is None:
            return ([], [])

        def levels(side: Side) -> list[tuple[int, int]]:
            shown = side.prices()[: depth or None]
            return [(price, sum(o.visible for o in side.levels[price])) for price in shown]

        return (levels(known.bids), levels(known.asks))

    def resting(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return a side's orders as (order id, remaining lots) in the order they would trade."""
        known = self.markets.get(market)
        return self._queue(known.side(side)) if known else []

    def stops(self, market: int, side: int) -> list[tuple[int, int]]:
        """Return a side's pending stops as (order id, lots) in the order they would fire."""
        known = self.markets.get(market)
        return self._queue(known.stops(side)) if known else []

    @staticmethod
    def _queue(side: Side) -> list[tuple[int, int]]:
        return [
            (order.order_id, order.remaining)
            for price in side.prices()
            for order in side.levels[price]
        ]
