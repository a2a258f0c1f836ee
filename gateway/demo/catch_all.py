"""A small catch-all smarthost for the demonstration: takes every mail and keeps it as a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Inbox:
    """Keeps what arrives, per recipient, as NN-recipient.eml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[tuple[str, Path]] = []
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        for recipient in envelope.rcpt_tos:
            path = self.folder / f"{len(self.files) + 1:02}-{recipient.replace('/', '_')}.eml"
            content = envelope.content
            path.write_bytes(content if isinstance(content, bytes) else (content or "").encode())
            self.files.append((recipient, path))
        return "250 kept"

    def of(self, recipient: str) -> list[bytes]:
        """What this recipient got, oldest first."""
        return [path.read_bytes() for name, path in self.files if name == recipient]


async def listening(inbox: Inbox) -> asyncio.Server:
    """A server on a free port of loopback that puts everything into the inbox."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(inbox, hostname="smarthost.demo.example", enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        0,
    )
