"""Relays connections, so that containers reach a server that listens on loopback only."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def relayed(host: str, target_host: str, target_port: int) -> Iterator[int]:
    """Forward every connection from a port of one address to another; yields that port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((target_host, target_port)) as target:
                back = threading.Thread(target=_forward, args=(target, self.request), daemon=True)
                back.start()
                _forward(self.request, target)
                back.join()

    with socketserver.ThreadingTCPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


def _forward(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source ends, then end the target's input."""
    with contextlib.suppress(OSError):
        with source.makefile("rb", buffering=0) as reader, target.makefile("wb") as writer:
            while data := reader.read(64 * 1024):
                writer.write(data)
                writer.flush()
        target.shutdown(socket.SHUT_WR)
