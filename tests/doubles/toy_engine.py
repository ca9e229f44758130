"""A state machine with the engine's methods and none of its markets.

It numbers commands, remembers their ids, and adds up what it is credited, which is enough to see
whether the worker loses, repeats or reorders anything.
"""

import struct
from hashlib import sha256
from typing import Self

import msgspec

from engine.errors import InvariantViolation
from wire import layout as w

_COMMAND = struct.Struct("<16q")
_RESULT = struct.Struct(f"<{w.RESULT_LENGTH}q")


class _State(msgspec.Struct):
    sequence: int = 0
    time_ms: int = 0
    epoch: int = 0
    total: int = 0
    rolling: bytes = b""
    ids: dict[str, tuple[int, int]] = {}


class ToyEngine:
    """See the module."""

    def __init__(self) -> None:
        self._state = _State()
        self.raise_on: set[int] = set()
        self.breach_at = 0

    @property
    def sequence(self) -> int:
        return self._state.sequence

    @property
    def next_due_ms(self) -> int:
        return 0

    @property
    def horizon_ms(self) -> int:
        return -1

    @property
    def has_auction(self) -> bool:
        return False

    @property
    def paused_markets(self) -> list[int]:
        return []

    def apply(self, commands: bytes) -> bytes:
        events = [self._one(words) for words in _COMMAND.iter_unpack(commands)]
        if self.breach_at and self.sequence >= self.breach_at:
            raise InvariantViolation("the books do not add up")
        return b"".join(events)

    def _one(self, words: tuple[int, ...]) -> bytes:
        state = self._state
        kind, high, low, _, _, account = words[: w.HEADER_LENGTH]
        if kind == w.COMMAND_CREDIT and words[w.FUNDS_AMOUNT] in self.raise_on:
            raise RuntimeError("a bug")
        state.sequence += 1
        state.rolling = sha256(state.rolling + _COMMAND.pack(*words)).digest()
        reason, order_id = w.REASON_ACCEPTED, state.sequence
        identity = f"{high} {low}"
        if (high, low) != (0, 0) and identity in state.ids:
            reason = w.REASON_DUPLICATE_COMMAND
            order_id = state.ids[identity][0]
        else:
            if kind == w.COMMAND_REJECT:
                reason = words[w.REJECT_REASON]
            elif kind == w.COMMAND_ADVANCE_TIME:
                state.time_ms = max(state.time_ms, words[w.HEADER_TIME_MS])
            elif kind == w.COMMAND_EPOCH:
                state.epoch = words[w.EPOCH_EPOCH]
            elif kind == w.COMMAND_CREDIT:
                state.total += words[w.FUNDS_AMOUNT]
            if (high, low) != (0, 0):
                state.ids[identity] = (state.sequence, reason)
        first = w.EVENT_RESULT << w.EVENT_KIND_SHIFT | state.time_ms << w.RESULT_TIME_SHIFT
        first |= reason << w.RESULT_REASON_SHIFT | kind
        return _RESULT.pack(first, state.sequence, high, low, account, order_id, 0)

    def checkpoint(self) -> bytes:
        return msgspec.msgpack.encode(self._state)

    @classmethod
    def restore(cls, checkpoint: bytes) -> Self:
        engine = cls()
        try:
            engine._state = msgspec.msgpack.decode(checkpoint, type=_State)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from error
        return engine

    def digest(self) -> int:
        return int.from_bytes(sha256(repr(self._state).encode()).digest()[:8], "big")

    def check(self) -> None:
        """It has no books."""
