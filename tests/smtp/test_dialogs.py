"""Every file in dialogs/ is a claim, told as a dialog with the real server.

The first line is the claim. Then, in order: `C:` a line of the client (several in a row go out in one write;
Python escapes; CRLF is added, unless it ends in a backslash), `S:` how a line of the server begins,
`closed` the server hangs up, `= N` messages submitted so far,
`from IP` and `with NAME=VALUE` (before all else) where the client is and which settings the server has.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.ports import StoreUnavailableError
from tests.doubles import serving_context
from tests.smtp.client import LAN, Client, Served, serving

DIALOGS = sorted((Path(__file__).parent / "dialogs").glob("*.txt"))


def octets(text: str) -> bytes:
    """What a `C:` line sends."""
    ended = not text.endswith("\\")
    plain = text if ended else text[:-1]
    return plain.encode("latin-1").decode("unicode_escape").encode("latin-1") + b"\r\n" * ended


def read(path: Path) -> tuple[list[str], str, dict[str, object]]:
    """The steps of a dialog, where its client is, and its server's settings."""
    steps, source, settings = [], LAN, {}
    for line in path.read_text("utf-8").splitlines()[1:]:
        if line.startswith("from "):
            source = line[5:]
        elif line.startswith("with "):
            name, _, value = line[5:].partition("=")
            settings[name] = serving_context("127.0.0.1") if name == "tls_context" else int(value)
        elif line:
            steps.append(line)
    return steps, source, settings


def withhold(served: Served) -> None:
    """At RCPT `withheld@` is withheld, and the store is down for `down@`."""

    def decide(mailbox: object) -> bool:
        local = mailbox.local_part  # type: ignore[attr-defined]
        if local == "down":
            raise StoreUnavailableError("down")
        return bool(local == "withheld")

    served.submissions.withhold = decide


async def play(steps: list[str], client: Client, served: Served) -> None:
    """Say and check one step after another."""
    waiting = b""
    for step in steps:
        if step.startswith("C:"):
            waiting += octets(step[3:])
            continue
        client.send(waiting)
        waiting = b""
        match step[:2]:
            case "S:":
                line = await client.line()
                assert line.startswith(step[3:]), f"{step!r} expected, got {line!r}"
            case "= ":
                assert len(served.submissions.envelopes) == int(step[2:])
            case _:
                assert step == "closed"
                assert await client.rest() == ""


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_dialog(path: Path) -> None:
    """The server keeps its side of the dialog, line by line."""
    steps, source, settings = read(path)
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(**settings))
        withhold(served)
        await play(steps, await served.connect(source), served)


def test_every_dialog_begins_with_its_claim() -> None:
    """A dialog whose claim nobody wrote down proves nothing."""
    assert len(DIALOGS) >= 30
    assert not [path.name for path in DIALOGS if path.read_text().splitlines()[0][:2] in ("C:", "S:", "")]
