"""The few engine words that the worker writes or looks at itself.

Everything else in a command or an event passes through as bytes.
"""

from wire import codec, layout
from wire.events import event_spans

# Only the worker gives these: a message that holds one did not come from intake.
_WORKER_KINDS = (layout.COMMAND_ADVANCE_TIME, layout.COMMAND_EPOCH, layout.COMMAND_REJECT)


def announce_epoch(time_ms: int, epoch: int, owner: str) -> bytes:
    """Return the command by which a new leader fences the one before (DESIGN D3)."""
    worker = int.from_bytes(bytes.fromhex(owner)[:8], "big", signed=True)
    return codec.encode_epoch(epoch, (worker, 0), time_ms=time_ms)


def reject_instead(original: bytes, reason: int) -> bytes:
    """Return a rejection under the id, account, actor and time of the command that it replaces.

    So the engine looks at it as at that command: if it was decided before, the rejection is a
    duplicate, and if its id may have been forgotten since, it is too old (DESIGN D4).
    """
    (command,) = codec.decode_commands(original)
    return codec.encode_reject(
        command.account,
        reason,
        command_id=(command.id_high, command.id_low),
        time_ms=command.time_ms,
        actor=command.actor,
    )


def holds_worker_commands(commands: bytes) -> bool:
    """Return whether any command is of a kind that only the worker may give."""
    kinds = memoryview(commands).cast("q")[layout.HEADER_KIND :: layout.COMMAND_LENGTH].tolist()
    return any(kind in kinds for kind in _WORKER_KINDS)


def result_offsets(events: bytes) -> list[int]:
    """Return where each command's events begin, in bytes, and at last where they end.

    Raises `ValueError` for words that are no events.
    """
    offsets = [
        start * layout.WORD_BYTES
        for kind, start, _ in event_spans(events)
        if kind == layout.EVENT_RESULT
    ]
    return [*offsets, len(events)]


def result_reason(events: bytes, offset: int) -> int:
    """Return the reason in the result that stands at a byte offset."""
    first = int.from_bytes(events[offset : offset + layout.WORD_BYTES], "little")
    return first >> layout.RESULT_REASON_SHIFT & layout.RESULT_REASON_MASK
