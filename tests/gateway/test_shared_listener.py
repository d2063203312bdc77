"""Processes that accept from one socket: a crowd is shared, and who stops leaves it to the others."""

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest

from gateway import shared_listener
from gateway.shared_listener import SharedListener

CROWD = 24


class Served(asyncio.Protocol):
    """Says who it belongs to, and keeps the connection."""

    def __init__(self, name: bytes, nodelay: list[int]) -> None:
        self._name = name
        self._nodelay = nodelay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = transport.get_extra_info("socket")
        self._nodelay.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        # The loop's own class is no subclass, but it has all the methods.
        cast(asyncio.Transport, transport).write(self._name)


class Failing(socket.socket):
    """Cannot accept for now."""

    failures = 1

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=CROWD) as made:
        yield made


async def name_of(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        return await asyncio.wait_for(reader.read(8), 10)


@pytest.fixture
def nodelay() -> list[int]:
    return []


async def test_a_crowd_is_shared(listener: socket.socket, nodelay: list[int]) -> None:
    # As another process has it: the same socket by another descriptor.
    with listener.dup() as other:
        both = [
            SharedListener(listener, lambda: Served(b"one", nodelay)),
            SharedListener(other, lambda: Served(b"two", nodelay)),
        ]
        port = listener.getsockname()[1]
        names = await asyncio.gather(*(name_of(port) for _ in range(CROWD)))
        assert min(names.count(b"one"), names.count(b"two")) >= CROWD // 3
        # As connections of the loop's own servers: small pieces go out at once.
        assert nodelay == [1] * CROWD
        for one in both:
            one.close()


async def test_who_stops_leaves_the_rest_to_the_others(listener: socket.socket, nodelay: list[int]) -> None:
    with listener.dup() as other:
        one = SharedListener(listener, lambda: Served(b"one", nodelay))
        two = SharedListener(other, lambda: Served(b"two", nodelay))
        one.close()
        one.close()
        port = listener.getsockname()[1]
        assert set(await asyncio.gather(*(name_of(port) for _ in range(CROWD)))) == {b"two"}
        two.close()
        waits = asyncio.create_task(name_of(port))
        await asyncio.sleep(0.1)
        assert not waits.done()
        again = SharedListener(listener, lambda: Served(b"one", nodelay))
        assert await waits == b"one"
        again.close()


async def test_it_goes_on_after_the_system_could_not_accept(
    nodelay: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_listener, "PAUSE_SECONDS", 0.05)
    with Failing(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(CROWD)
        one = SharedListener(listener, lambda: Served(b"one", nodelay))
        assert await name_of(listener.getsockname()[1]) == b"one"
        assert listener.failures == 0
        one.close()


async def test_a_client_who_has_left_already_harms_nobody(
    listener: socket.socket, nodelay: list[int]
) -> None:
    port = listener.getsockname()[1]
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port)) as left:
            # It is reset at once.
            left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    one = SharedListener(listener, lambda: Served(b"one", nodelay))
    assert await name_of(port) == b"one"
    one.close()
