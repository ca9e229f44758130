"""Where each command's result is in the engine's output, and its reason.

The worker looks at nothing else in a batch's events: they pass through as bytes.
"""

from wire import layout
from wire.events import event_spans


def result_offsets(events: bytes) -> list[int]:
    """Return the byte offset of each command's first event, and at last the end of all events.

    Raises
    ------
    DecodeError
        When the words are no events.

    """
    offsets = [
        start * layout.WORD_BYTES
        for kind, start, _ in event_spans(events)
        if kind == layout.EVENT_RESULT
    ]
    return [*offsets, len(events)]


def result_reason(events: bytes, offset: int) -> int:
    """Return the reason of the result at a byte offset."""
    first = int.from_bytes(events[offset : offset + layout.WORD_BYTES], "little")
    return first >> layout.RESULT_REASON_SHIFT & layout.RESULT_REASON_MASK
