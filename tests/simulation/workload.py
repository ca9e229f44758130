"""What the simulated users send: a market is set up, then orders and cancels at random.

Prices lie close together, so that most orders meet. Each account's commands are numbered by the
low word of their ids, so that their order can be looked at afterwards.
"""

import random
from dataclasses import dataclass

from bursa.intake.message import CommandMessage, encode_message
from bursa.intake.queue_kinds import QueueKind
from tests.doubles.deliveries import asked_for
from tests.simulation.wire import EPOCH_MS
from wire import layout as w
from wire.codec import encode

TENANT = 1
BTC, USDT, MARKET = 1, 2, 1
_FUNDS = 1_000_000


@dataclass(slots=True)
class ClientMessage:
    """One message as a client has it."""

    message_id: str
    account: int
    commands: bytes
    body: str
    queue: QueueKind = QueueKind.TRADING

    @property
    def group(self) -> str:
        """The queue's group of it."""
        return f"t{w.account_tenant(self.account)}-{w.account_index(self.account)}"

    @property
    def command_ids(self) -> frozenset[bytes]:
        """The ids in the commands, as bytes."""
        size = w.COMMAND_BYTES
        return frozenset(
            self.commands[start + 8 : start + 24] for start in range(0, len(self.commands), size)
        )


class Workload:
    """Makes messages."""

    def __init__(self, rng: random.Random, accounts: int, commands_max: int) -> None:
        self._rng = rng
        self._accounts = accounts
        self._commands_max = commands_max
        self._messages = 0
        self._numbers = dict.fromkeys(range(accounts + 1), 0)
        self._placed: dict[int, list[tuple[int, int]]] = {i: [] for i in range(accounts + 1)}

    def _message(
        self,
        index: int,
        commands: list[bytes],
        *,
        reply: bool,
        queue: QueueKind = QueueKind.TRADING,
    ) -> ClientMessage:
        self._messages += 1
        account = w.account_number(TENANT, index)
        data = b"".join(commands)
        message_id = f"{self._messages:032x}"
        client_order_ids = {0: f"c{self._messages}"}
        body = encode_message(CommandMessage(message_id, account, data, client_order_ids, reply))
        return ClientMessage(message_id, account, data, body, queue)

    def _id(self, index: int) -> tuple[int, int]:
        self._numbers[index] += 1
        return 1 + index, self._numbers[index]

    def _command(self, index: int, kind: int, now: float, account: int, *parameters: int) -> bytes:
        time_ms = EPOCH_MS + int(now * 1000)
        command = encode(kind, account, *parameters, command_id=self._id(index), time_ms=time_ms)
        return asked_for(command)

    def listing(self, now: float) -> ClientMessage:
        """Define the assets and the market; nothing else may be sent before it is done."""
        commands = [
            self._command(0, w.COMMAND_DEFINE_ASSET, now, 0, BTC, TENANT, 8, 0x435442, 0),
            self._command(0, w.COMMAND_DEFINE_ASSET, now, 0, USDT, TENANT, 2, 0x54445355, 0),
            self._command(
                0,
                w.COMMAND_DEFINE_MARKET,
                now,
                0,
                *(MARKET, TENANT, BTC, USDT, 10, 1, w.STATE_OPEN, 0x2D435442, 0),
            ),
            self._command(0, w.COMMAND_SET_FEE_TIER, now, 0, TENANT, 0, 1000, 2000),
        ]
        return self._message(0, commands, reply=True, queue=QueueKind.FUNDS)

    def credits(self, now: float) -> list[ClientMessage]:
        """Fund everybody; between these and an account's orders there is no order."""
        messages = []
        for index in range(1, self._accounts + 1):
            account = w.account_number(TENANT, index)
            commands = [
                self._command(0, w.COMMAND_CREDIT, now, account, asset, _FUNDS)
                for asset in (BTC, USDT)
            ]
            messages.append(self._message(index, commands, reply=True, queue=QueueKind.FUNDS))
        return messages

    def next(self, now: float) -> ClientMessage:
        """Return the next message of a random account."""
        rng = self._rng
        index = rng.randint(1, self._accounts)
        account = w.account_number(TENANT, index)
        commands = []
        for _ in range(rng.randint(1, self._commands_max)):
            placed = self._placed[index]
            if placed and rng.random() < 0.3:
                target = placed.pop(rng.randrange(len(placed)))
                commands.append(self._command(index, w.COMMAND_CANCEL, now, account, 0, *target))
            else:
                commands.append(self._place(index, now, account))
                placed.append((1 + index, self._numbers[index]))
        return self._message(index, commands, reply=rng.random() < 0.5)

    def _place(self, index: int, now: float, account: int) -> bytes:
        rng = self._rng
        side = rng.choice((w.SIDE_BUY, w.SIDE_SELL))
        force = rng.choice((w.TIF_GTC, w.TIF_GTC, w.TIF_IOC))
        flags = w.pack_flags(side, w.TYPE_LIMIT, force)
        price, quantity = rng.randint(95, 105), rng.randint(1, 2000)
        return self._command(index, w.COMMAND_PLACE, now, account, MARKET, flags, price, quantity)
