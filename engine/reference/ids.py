"""What has been decided: the ids of commands, remembered for a time, and those of open orders."""

from engine.reference.model import Order
from engine.reference.state import CommandId, State
from wire import layout as w


def find_placed(state: State, command_id: CommandId) -> Order | None:
    """Return the open order that a command placed; None for no id."""
    return state.placed.get(command_id)


def take_share(state: State, number: int) -> bool:
    """Count a rejection against its account's share of the memory; return whether there was room.

    Each takes some time of the memory's whole length, and time gives it back. Accounts that do not
    exist have one share together.
    """
    owner = state.accounts.get(number, state)
    until_ms = max(owner.rejections_ms, state.time_ms) + state.capacity.rejection_ms
    if until_ms > state.time_ms + w.ID_MEMORY_MS:
        return False
    owner.rejections_ms = until_ms
    return True


def remember_id(state: State, command_id: CommandId, outcome: int, stamp_ms: int) -> None:
    """Keep a command id with its outcome; forget the oldest when there is no room."""
    if len(state.remembered) >= state.capacity.ids:
        forget_id(state)
    state.remembered[command_id] = (outcome, stamp_ms)


def forget_old_ids(state: State) -> None:
    """Forget the ids that are old enough, not too many at a time."""
    for _ in range(w.IDS_FORGOTTEN_MAX):
        _, stamp_ms = next(iter(state.remembered.values()), (0, state.time_ms))
        if stamp_ms + w.ID_MEMORY_MS > state.time_ms:
            break
        forget_id(state)


def forget_id(state: State) -> None:
    """Forget the oldest id.

    A command with it would be taken for new then, unless its order is still open. So commands from
    up to its time are rejected as too old from then on: none takes effect twice, however small the
    memory.
    """
    oldest = next(iter(state.remembered))
    state.horizon_ms = max(state.horizon_ms, state.remembered.pop(oldest)[1])
