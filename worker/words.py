"""The few engine words that the worker writes or looks at itself.

Everything else in a command or an event passes through as bytes.
"""

import struct

from wire import layout

_COMMAND = struct.Struct(f"<{layout.COMMAND_LENGTH}q")
_HEADER = struct.Struct("<5q")
# Only the worker gives these: a message that holds one did not come from intake.
_WORKER_KINDS = (layout.COMMAND_ADVANCE_TIME, layout.COMMAND_EPOCH, layout.COMMAND_REJECT)


def command(
    kind: int, time_ms: int, *parameters: int, account: int = 0, high: int = 0, low: int = 0
) -> bytes:
    """Write one command; parameters fill the words from 5 on."""
    padding = (0,) * (layout.COMMAND_LENGTH - 5 - len(parameters))
    return _COMMAND.pack(kind, high, low, time_ms, account, *parameters, *padding)


def advance_time(time_ms: int) -> bytes:
    """Write the command that begins a record: engine time is the worker's."""
    return command(layout.COMMAND_ADVANCE_TIME, time_ms)


def announce_epoch(time_ms: int, epoch: int, owner: str) -> bytes:
    """Write the command by which a new leader fences the one before (DESIGN D3)."""
    worker = int.from_bytes(bytes.fromhex(owner)[:8], "big", signed=True)
    return command(layout.COMMAND_EPOCH, time_ms, epoch, worker)


def reject(time_ms: int, reason: int, *, account: int = 0, high: int = 0, low: int = 0) -> bytes:
    """Write the command that stands in the journal for one that can't be applied."""
    return command(layout.COMMAND_REJECT, time_ms, reason, account=account, high=high, low=low)


def reject_instead(original: bytes, reason: int) -> bytes:
    """Write a rejection under the id, account and time of the command that it replaces.

    So the engine looks at it as at that command: if it was decided before, the rejection is a
    duplicate, and if its id may have been forgotten since, it is too old (DESIGN D4).
    """
    _, high, low, time_ms, account = _HEADER.unpack_from(original)
    return reject(time_ms, reason, account=account, high=high, low=low)


def holds_worker_commands(commands: bytes) -> bool:
    """Tell whether any command is of a kind that only the worker may give."""
    kinds = memoryview(commands).cast("q")[layout.HEADER_KIND :: layout.COMMAND_LENGTH].tolist()
    return any(kind in kinds for kind in _WORKER_KINDS)


def result_offsets(events: bytes) -> list[int]:
    """Return where each command's events begin, in bytes, and at last where they end.

    Raises `ValueError` for words that are no events.
    """
    words = memoryview(events).cast("q")
    lengths = layout.EVENT_LENGTH
    offsets = []
    position = 0
    end = len(words)
    while position < end:
        kind = words[position] >> layout.EVENT_KIND_SHIFT
        if kind == layout.EVENT_RESULT:
            offsets.append(position * layout.WORD_BYTES)
        if not 0 < kind < len(lengths):
            raise ValueError(f"Word {position} says {kind}, which is no kind of event.")
        position += lengths[kind]
    offsets.append(end * layout.WORD_BYTES)
    return offsets


def result_reason(events: bytes, offset: int) -> int:
    """Return the reason in the result that stands at a byte offset."""
    first = int.from_bytes(events[offset : offset + layout.WORD_BYTES], "little")
    return first >> layout.RESULT_REASON_SHIFT & layout.RESULT_REASON_MASK
