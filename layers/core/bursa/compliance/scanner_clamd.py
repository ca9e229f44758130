"""An antivirus by clamd's protocol: INSTREAM and VERSION (clamd's manual page, "COMMANDS").

Over TCP inside the operator's own network; whoever can reach clamd's port can also stop it.
"""

import re
import socket
from typing import Final

from bursa.kernel.calendar_time import DAY_MS, CalendarDate
from bursa.kernel.errors import Unavailable

_CHUNK_BYTES: Final = 1 << 16
_REPLY_BYTES_MAX: Final = 4096
_FOUND: Final = re.compile(r"stream: (.{1,200}) FOUND")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(re.findall("...", "JanFebMarAprMayJunJulAugSepOctNovDec"), 1)
}
# Engine, number of the signatures, and when they were made, as ctime writes it.
_VERSION: Final = re.compile(
    r"ClamAV [^/]{1,60}/[0-9]{1,9}/[A-Z][a-z]{2} "
    rf"({'|'.join(_MONTHS)}) +([0-9]{{1,2}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) ([0-9]{{4}})"
)


class Clamd:
    """See `bursa.compliance.documents.Scanner`."""

    def __init__(self, host: str, port: int, timeout_s: float = 20) -> None:
        self._address = (host, port)
        self._timeout_s = timeout_s

    def finds(self, content: bytes) -> str | None:
        """See `bursa.compliance.documents.Scanner`; `Unavailable` ``scanner_unavailable``."""
        try:
            reply = self._ask(content)
        except OSError as error:
            raise _unavailable() from error
        if reply == "stream: OK":
            return None
        found = _FOUND.fullmatch(reply)
        if found is None:
            # Whatever else it says, it has not said that the file is good.
            raise _unavailable()
        return found[1]

    def signatures_at_ms(self) -> int:
        """Return when its signatures were made, on a host whose time is UTC.

        Raises `Unavailable` ``scanner_unavailable``: it is away, or has none.
        """
        try:
            found = _VERSION.fullmatch(self._reply(b"zVERSION\0"))
        except OSError as error:
            raise _unavailable() from error
        if found is None:
            raise _unavailable()
        month, day, hours, minutes, seconds, year = found.groups()
        date = CalendarDate(int(year), _MONTHS[month], int(day))
        time_s = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
        return date.day_number * DAY_MS + time_s * 1_000

    def _ask(self, content: bytes) -> str:
        chunks = (
            content[start : start + _CHUNK_BYTES] for start in range(0, len(content), _CHUNK_BYTES)
        )
        sent = (len(chunk).to_bytes(4, "big") + chunk for chunk in chunks)
        return self._reply(b"zINSTREAM\0", *sent, bytes(4))

    def _reply(self, *parts: bytes) -> str:
        with socket.create_connection(self._address, self._timeout_s) as connection:
            for part in parts:
                connection.sendall(part)
            reply = b""
            while b"\0" not in reply and len(reply) < _REPLY_BYTES_MAX:
                received = connection.recv(_REPLY_BYTES_MAX)
                if not received:
                    break
                reply += received
        return reply.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _unavailable() -> Unavailable:
    return Unavailable("scanner_unavailable", "The file could not be checked; it is tried again.")
