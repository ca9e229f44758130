"""Order flow made from a seed: accounts that quote around a wandering price, and take at times."""

import random
import time

from bursa.intake.message import CommandMessage, Delivery, encode_message
from bursa.intake.queue_kinds import TRADING_COMMANDS, QueueKind
from wire import layout as w
from wire.codec import encode

TENANT, BASE, QUOTE, MARKET = 1, 1, 2, 1
_FUNDS = 10**16
_USER, _OPERATOR = (kind << w.ACTOR_KIND_SHIFT for kind in (w.ACTOR_USER, w.ACTOR_OPERATOR))
_FIRST_PRICE = 2_350_000
_CANCEL_SHARE = 0.45
_TAKE_SHARE = 0.08
_OFFSET_MEAN = 300


class Flow:
    """Makes messages of one account each."""

    def __init__(self, seed: int, accounts: int = 200, time_ms: int | None = None) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - the same flow every time
        self._accounts = accounts
        self._price = _FIRST_PRICE
        self._time_ms = time.time_ns() // 1_000_000 if time_ms is None else time_ms

    def pass_time(self, milliseconds: int) -> int:
        """Move the time of what follows on; return the new time."""
        self._time_ms += milliseconds
        return self._time_ms

    def _id(self) -> tuple[int, int]:
        return self._rng.getrandbits(63), self._rng.getrandbits(63)

    def _command(self, kind: int, account: int, *body: int) -> bytes:
        actor = _USER if kind in TRADING_COMMANDS else _OPERATOR
        return encode(
            kind, account, *body, command_id=self._id(), time_ms=self._time_ms, actor=actor
        )

    def message(
        self,
        account: int,
        commands: list[bytes],
        *,
        reply: bool = False,
        queue: QueueKind = QueueKind.TRADING,
    ) -> Delivery:
        """Put commands into a message, as the queue delivers it."""
        message_id = f"{self._rng.getrandbits(128):032x}"
        body = encode_message(CommandMessage(message_id, account, b"".join(commands), {}, reply))
        group = f"t{TENANT}-{w.account_index(account)}"
        return Delivery(body, message_id, group, message_id, queue=queue)

    def set_up(self) -> list[Delivery]:
        """Define a market and fund everybody."""
        commands = [
            self._command(w.COMMAND_DEFINE_ASSET, 0, BASE, TENANT, 8, 0x435442, 0),
            self._command(w.COMMAND_DEFINE_ASSET, 0, QUOTE, TENANT, 10, 0x54445355, 0),
            self._command(
                w.COMMAND_DEFINE_MARKET, 0, *(MARKET, TENANT, BASE, QUOTE, 1, 1, w.STATE_OPEN, 5, 0)
            ),
            self._command(w.COMMAND_SET_FEE_TIER, 0, TENANT, 0, 1000, 2000),
        ]
        operator = w.account_number(TENANT, w.FEE_ACCOUNT_INDEX)
        messages = [self.message(operator, commands, queue=QueueKind.FUNDS)]
        for index in range(1, self._accounts + 1):
            account = w.account_number(TENANT, index)
            funding = [
                self._command(w.COMMAND_CREDIT, account, asset, _FUNDS) for asset in (BASE, QUOTE)
            ]
            messages.append(self.message(account, funding, queue=QueueKind.FUNDS))
        return messages

    def messages(
        self, commands: int, per_message: int, *, reply: bool = False, rests: bool = False
    ) -> list[Delivery]:
        """Make so many commands; with ``rests`` all are orders that stay in the book."""
        return [
            self._next(per_message, reply=reply, rests=rests)
            for _ in range(commands // per_message)
        ]

    def _next(self, per_message: int, *, reply: bool, rests: bool) -> Delivery:
        rng = self._rng
        account = w.account_number(TENANT, rng.randint(1, self._accounts))
        mine: list[tuple[int, int]] = []
        commands = []
        for _ in range(per_message):
            if mine and not rests and rng.random() < _CANCEL_SHARE:
                target = mine.pop(rng.randrange(len(mine)))
                commands.append(self._command(w.COMMAND_CANCEL, account, 0, *target))
            else:
                name = self._id()
                mine.append(name)
                commands.append(self._place(account, name, rests=rests))
        return self.message(account, commands, reply=reply)

    def _place(self, account: int, name: tuple[int, int], *, rests: bool) -> bytes:
        rng = self._rng
        side = rng.choice((w.SIDE_BUY, w.SIDE_SELL))
        outwards = 1 if side == w.SIDE_SELL else -1
        if rests:
            price = _FIRST_PRICE + outwards * rng.randint(1, 20_000)
        else:
            self._price += rng.choice((-1, 0, 1))
            takes = rng.random() < _TAKE_SHARE
            away = -50 if takes else int(rng.expovariate(1 / _OFFSET_MEAN))
            price = self._price + outwards * away
        quantity = rng.randint(1, 100 if rests else 10**7)
        flags = w.pack_flags(side)
        return encode(
            w.COMMAND_PLACE, account, MARKET, flags, price, quantity,
            command_id=name, time_ms=self._time_ms, actor=_USER,
        )  # fmt: skip
