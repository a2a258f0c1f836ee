"""The floor: what a relay in Python costs that does nothing but read, sign and relay.

No address is looked at, nothing is decided, rewritten, recorded or checked. It is the yardstick, no product.
Each session has one kept connection to the sink. A copy is one transaction with one signature, its commands
pipelined behind the content of the copy before (RFC 2920 section 3.1).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gateway.mail.signature import load_key
from tests.bench.contender import Contender, started
from tests.bench.sink import free_port

END = b"\r\n.\r\n"
FIELD = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=bench;\r\n"
    b" h=from:to:subject:date:message-id; bh=%b;\r\n b=%b\r\n"
)


class Upstream(asyncio.Protocol):
    """The session's connection to the sink: one answer a line, told to the session by its code."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.session.upstream = self
        self.transport.write(b"EHLO floor\r\n" + self.session.commands())

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\r\n")
        for line in lines:
            if line[3:4] != b"-":
                self.session.answered(line[:3])


class Session(asyncio.Protocol):
    """One client."""

    def __init__(self, sink: tuple[str, int], key: rsa.RSAPrivateKey) -> None:
        self.sink = sink
        self.key = key
        self.incoming = bytearray()
        self.in_data = False
        self.sender = b""
        self.recipients: list[bytes] = []
        self.upstream: Upstream | None = None
        self.copies: deque[bytes] = deque()
        self.left = 0  # copies that the sink has not taken yet
        self.handed_over = False  # a copy, and not answered yet
        self.connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(b"220 floor\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        if self.upstream:
            self.upstream.transport.close()

    def data_received(self, data: bytes) -> None:
        self.incoming += data
        while self.incoming and not self.in_data:
            line, end, _ = self.incoming.partition(b"\r\n")
            if not end:
                return
            del self.incoming[: len(line) + 2]
            self.command(bytes(line))
        if self.in_data and self.incoming.endswith(END):
            self.in_data = False
            self.relay(bytes(self.incoming))
            self.incoming.clear()

    def command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"RCPT":
            self.recipients.append(line)
        elif verb == b"MAIL":
            self.sender = line
        elif verb == b"DATA":
            self.in_data = True
            self.transport.write(b"354 go on\r\n")
            return
        self.transport.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
        if verb == b"QUIT":
            self.transport.close()

    def relay(self, content: bytes) -> None:
        """Sign each recipient's copy and put them on their way."""
        header, _, body = content.partition(b"\r\n\r\n")
        body_hash = base64.b64encode(hashlib.sha256(body[:-3]).digest())
        for _ in self.recipients:
            signature = self.key.sign(header + body_hash, padding.PKCS1v15(), hashes.SHA256())
            self.copies.append(FIELD % (body_hash, base64.b64encode(signature)) + content)
        self.left = len(self.copies)
        if self.upstream is None:
            self.connecting = asyncio.create_task(self.connect())
        else:
            self.upstream.transport.write(self.commands())

    async def connect(self) -> None:
        """The connection to the sink, at the first message; it goes on from there."""
        await asyncio.get_running_loop().create_connection(lambda: Upstream(self), *self.sink)

    def commands(self) -> bytes:
        """What opens the next copy's transaction, if there is one."""
        if not self.recipients:
            return b""
        return b"%b\r\n%b\r\nDATA\r\n" % (self.sender, self.recipients.pop(0))

    def answered(self, code: bytes) -> None:
        """The sink said something: 354 asks for content, the 250 after it is for the copy."""
        assert self.upstream is not None
        if code == b"354":
            self.upstream.transport.writelines([self.copies.popleft(), self.commands()])
            self.handed_over = True
        elif code == b"250" and self.handed_over:
            self.handed_over = False
            self.left -= 1
            if not self.left:
                self.transport.write(b"250 ok\r\n")


async def serve(port: int, sink: int, key: rsa.RSAPrivateKey) -> None:
    """One worker, until it is told to stop."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Session(("127.0.0.1", sink), key), "127.0.0.1", port, reuse_port=True, backlog=1000
    )
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    async with server:
        await stop.wait()


@contextmanager
def serving(folder: Path, key: Path, sink: int, processes: int) -> Iterator[Contender]:
    """The floor in so many processes that share a port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.floor", *map(str, (port, sink, key, processes))]
    with started(command, folder / "floor.log", port) as pid:
        yield Contender("floor", port, (pid,))


def main(port: str, sink: str, key: str, processes: str) -> None:
    """`processes` workers, and one process that waits for them and takes them with it."""
    private = load_key(Path(key).read_bytes())
    assert isinstance(private, rsa.RSAPrivateKey)
    workers = []
    for _ in range(int(processes)):
        if not (pid := os.fork()):
            uvloop.run(serve(int(port), int(sink), private))
            os._exit(0)
        workers.append(pid)

    def stop(*_: object) -> None:
        for pid in workers:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    for pid in workers:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
