"""An antivirus by clamd's protocol: INSTREAM (clamd's manual page, "COMMANDS").

Over TCP inside the operator's own network; whoever can reach clamd's port can also stop it.
"""

import re
import socket
from typing import Final

from bursa.kernel.errors import Unavailable

_CHUNK_BYTES: Final = 1 << 16
_REPLY_BYTES_MAX: Final = 4096
_FOUND: Final = re.compile(r"stream: (.{1,200}) FOUND")


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

    def _ask(self, content: bytes) -> str:
        with socket.create_connection(self._address, self._timeout_s) as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), _CHUNK_BYTES):
                chunk = content[start : start + _CHUNK_BYTES]
                connection.sendall(len(chunk).to_bytes(4, "big") + chunk)
            connection.sendall(bytes(4))
            reply = b""
            while b"\0" not in reply and len(reply) < _REPLY_BYTES_MAX:
                received = connection.recv(_REPLY_BYTES_MAX)
                if not received:
                    break
                reply += received
        return reply.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _unavailable() -> Unavailable:
    return Unavailable("scanner_unavailable", "The file could not be checked; it is tried again.")
