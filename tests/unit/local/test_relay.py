import socket
import threading

import pytest

from scripts.relay import relayed

LOOPBACK = "127.0.0.1"


def echo_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(connection.recv(1024).upper())


def test_a_connection_reaches_what_it_could_not() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=echo_once, args=(server,), daemon=True).start()
        with (
            relayed(LOOPBACK, LOOPBACK, server.getsockname()[1]) as port,
            socket.create_connection((LOOPBACK, port), timeout=5) as client,
        ):
            client.sendall(b"hello")
            assert client.recv(1024) == b"HELLO"


def test_the_port_is_free_afterwards() -> None:
    with relayed(LOOPBACK, LOOPBACK, 1) as port:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port), timeout=5)
