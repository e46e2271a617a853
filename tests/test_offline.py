"""The guard of conftest: nothing reaches outside the machine."""

import socket

import pytest


def test_an_outside_host_is_refused_and_remembered(outside_attempts: list[str]) -> None:
    with pytest.raises(OSError, match="tried to reach"):
        socket.create_connection(("192.0.2.1", 80), timeout=0.1)
    with pytest.raises(OSError, match="tried to reach"):
        socket.getaddrinfo("example.invalid", 443)
    with socket.socket() as sock, pytest.raises(OSError, match="tried to reach"):
        sock.connect_ex(("192.0.2.1", 80))
    assert outside_attempts == ["192.0.2.1", "example.invalid", "192.0.2.1"]
    outside_attempts.clear()


def test_loopback_is_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        client.sendall(b"hello")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(5) == b"hello"
