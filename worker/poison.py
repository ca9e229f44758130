"""Messages that can't be read, and messages that make the engine raise.

Neither may hold up the messages behind it (DESIGN D4). A message that can't be read becomes one
journaled rejection at once. After the engine has raised its memory can't be trusted: the worker
drops it, starts again from the journal, and applies the messages of that batch command by command,
so that the next exception names the command. From then on a rejection takes that command's place.
All of this is forgotten when the process ends; the next process finds it out again.

A fault in compiled code ends the process instead, and the only sign of its message is that it is
delivered again and again. A message that was delivered often enough is therefore tried in a child
process first (`probe.py`), together with others, and by halves if the child dies; the command that
ends the child is replaced in the same way.
"""

from hashlib import blake2b

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, CommandId
from wire import codec, layout

_ID_BYTES = 16


class EngineFault(Exception):  # noqa: N818
    """Raised after the engine has raised: memory must be dropped and rebuilt."""


class Quarantine:
    """What this process knows about commands that the engine can't take."""

    def __init__(self) -> None:
        self._suspects: set[str] = set()
        self._faulty: dict[str, set[int]] = {}

    def suspect(self, message_ids: list[str]) -> None:
        """Remember the messages of a batch that made the engine raise."""
        self._suspects.update(message_ids)

    def mark_faulty(self, message_id: str, position: int) -> None:
        """Remember the command that made the engine raise."""
        self._faulty.setdefault(message_id, set()).add(position)

    def is_suspect(self, message_id: str) -> bool:
        """Return whether a message must be applied command by command."""
        return message_id in self._suspects

    def commands(self, message_id: str, commands: bytes) -> list[bytes]:
        """Return a message's commands one by one, rejections in place of the faulty ones."""
        size = layout.COMMAND_BYTES
        single = [commands[start : start + size] for start in range(0, len(commands), size)]
        for position in self._faulty.get(message_id, ()):
            single[position] = rejection_of_command(single[position], layout.REASON_INTERNAL_ERROR)
        return single


def rejection_of_command(command: bytes, reason: int) -> bytes:
    """Return a REJECT with the id, account, actor and time of the command it replaces.

    So the engine treats it as that command: if it was decided before, the rejection is a
    duplicate, and if its id may have been forgotten since, it is too old (DESIGN D4).
    """
    original = next(codec.decode_commands(command))
    return codec.encode_reject(
        original.account,
        reason,
        command_id=(original.id_high, original.id_low),
        time_ms=original.time_ms,
        actor=original.actor,
    )


def rejection_of_message(group: str, message_id: str, time_ms: int) -> bytes:
    """Return the REJECT that is journaled for a message that can't be read.

    Its command id follows from the group and the message's id, so that a second delivery is a
    duplicate. It is never an id that intake makes: whoever can send can't use up another's.
    """
    try:
        account = AccountId.parse(group).number
    except InvalidInput:
        account = 0
    name = f"{group}\0message\0{message_id}".encode(errors="replace")
    identity = CommandId.from_bytes(blake2b(name, digest_size=_ID_BYTES).digest())
    return codec.encode_reject(account, command_id=(identity.high, identity.low), time_ms=time_ms)
