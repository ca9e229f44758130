"""What an event of an order states of its row."""

from typing import Any, Final

from wire import events as e
from wire import layout as w

PLACE_KINDS: Final = (w.COMMAND_PLACE, w.COMMAND_REPLACE, w.COMMAND_PLACE_LIST)


def is_created(event: e.Order, result: e.Result) -> bool:
    """Whether an order begins with its event: it has the sequence of its own command.

    The orders of a list begin with the last of their commands.
    """
    staged = w.STAGED_MAX if result.command_kind == w.COMMAND_PLACE_LIST else 0
    begins = event.sequence - staged <= event.order_id <= event.sequence
    return begins and event.account == result.account


def order_state(event: e.Order, result: e.Result) -> dict[str, Any]:
    """Return the fields that change with every event of an order."""
    return {
        "price": event.price,
        "quantity": event.quantity,
        "remaining": event.remaining,
        "filled_quantity": event.quantity - event.remaining,
        "filled_quote": event.filled_quote,
        "status": w.STATUS_NAMES[event.status],
        "close_reason": w.CLOSE_NAMES[event.close_reason],
        "updated_at_ms": result.time_ms,
    }
