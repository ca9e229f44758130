"""What to do with a message that can't be read, or that makes the engine raise.

Neither may hold up what is behind it (DESIGN D4). A message that can't be read becomes one
journaled rejection at once. After the engine has raised its memory can't be trusted: the worker
drops it, starts again from the journal, and looks closer at the messages that were in the batch:
each is applied command by command, so that the next time it raises the culprit is known. From
then on a rejection takes that command's place. All of it is forgotten when the process ends; a
new one finds out again.

A fault in compiled code ends the process instead, and nothing tells the next one which message it
was, but that it comes again and again. Messages received often enough are therefore tried in a
child first (`probe.py`), together, and by halves if the child dies; the command that ends it is
replaced in the same way.
"""

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId
from wire import codec, layout
from worker import words


class EngineFault(Exception):  # noqa: N818
    """Raised after the engine has raised: memory must be dropped and rebuilt."""


class Quarantine:
    """What this process knows about commands that the engine can't take."""

    def __init__(self) -> None:
        self._suspects: set[str] = set()
        self._condemned: dict[str, set[int]] = {}

    def suspect(self, message_ids: list[str]) -> None:
        """Remember messages that were in a batch which made the engine raise."""
        self._suspects.update(message_ids)

    def condemn(self, message_id: str, position: int) -> None:
        """Remember the command that made the engine raise."""
        self._condemned.setdefault(message_id, set()).add(position)

    def is_suspect(self, message_id: str) -> bool:
        """Tell whether a message must be applied command by command."""
        return message_id in self._suspects

    def clear(self, message_id: str) -> None:
        """Forget a message that went through."""
        self._suspects.discard(message_id)

    def commands(self, message_id: str, commands: bytes) -> list[bytes]:
        """Split a suspect message's commands, rejections in the places of the condemned."""
        condemned = self._condemned.get(message_id, set())
        size = layout.COMMAND_BYTES
        single = [commands[start : start + size] for start in range(0, len(commands), size)]
        for position in condemned:
            single[position] = words.reject_instead(single[position], layout.REASON_INTERNAL_ERROR)
        return single


def rejection(group: str, message_id: str, time_ms: int) -> bytes:
    """Write what is journaled for a message that can't be read.

    The id of the rejection is the message's, so that a second delivery is a duplicate.
    """
    try:
        account = AccountId.parse(group).number
    except InvalidInput:
        account = 0
    try:
        identity = bytes.fromhex(message_id)[:16]
    except ValueError:
        identity = b""
    high = int.from_bytes(identity[:8], "big", signed=True)
    low = int.from_bytes(identity[8:], "big", signed=True)
    return codec.encode_reject(account, command_id=(high, low), time_ms=time_ms)
