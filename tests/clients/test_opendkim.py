"""What is relayed verifies with stock dkimpy and with OpenDKIM, given the published records (C1, C2, C4)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest

from gateway.config import Config
from gateway.mail.signature import load_key, new_key, record
from tests.clients.test_clients import program
from tests.house import ANNA, NEWSLETTER, House

# What the tool signed and wrote: broken by the notice, or ours to say (contract section 4).
OF_THE_TOOL = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=shop.example; s=old; h=from; bh=eA; b=eA\r\n"
    b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=shop.example; s=old; b=eA==\r\n"
    b"ARC-Message-Signature: i=1; a=rsa-sha256; d=shop.example; s=old; h=from; bh=eA; b=eA\r\n"
    b"ARC-Authentication-Results: i=1; shop.example; none\r\n"
    b"List-Unsubscribe: <https://tool.example/u/1>, <mailto:u@tool.example>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"Bcc: secret@example.org\r\n"
)
FIELDS = [
    *("From", "Subject", "To", "Date", "Reply-To", "Content-Type", "MIME-Version"),
    *("List-Unsubscribe", "List-Unsubscribe-Post"),
]
Verifier = Callable[[bytes, Config, Path], Awaitable[set[str]]]


def published(config: Config) -> dict[str, str]:
    """The TXT record of each key, by its name, as `sendright dkim record` prints it."""
    keys = [(key.domain, key.selector, load_key(key.private_key_file.read_bytes())) for key in config.dkim]
    return {name: "".join(strings) for name, strings in (record(*key) for key in keys)}


async def dkimpy(content: bytes, config: Config, _folder: Path) -> set[str]:
    """The algorithms whose signature stock dkimpy finds good."""
    records = published(config)
    message = dkim.DKIM(content)
    found = re.findall(rb"DKIM-Signature:.*?a=([a-z0-9-]+)", content.partition(b"\r\n\r\n")[0], re.DOTALL)

    def dns(name: bytes, timeout: int = 5) -> bytes:
        return records[name.decode().rstrip(".")].encode()

    def good(place: int) -> bool:
        try:
            return bool(message.verify(place, dnsfunc=dns))
        except dkim.DKIMException:
            return False

    return {name.decode() for place, name in enumerate(found) if good(place)}


async def opendkim(content: bytes, config: Config, folder: Path) -> set[str]:
    """The algorithms whose signature OpenDKIM finds good."""
    (folder / "keys").write_text("".join(f"{name} {text}\n" for name, text in published(config).items()))
    (folder / "opendkim.conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder / 'keys'}\n")
    (folder / "copy.eml").write_bytes(content)
    process = await asyncio.create_subprocess_exec(
        *(program("opendkim"), "-x", folder / "opendkim.conf", "-t", folder / "copy.eml", "-vv"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    said = " ".join(output.decode().split())
    return set(re.findall(r"dkim=pass [^;]*?header\.a=([a-z0-9-]+)", said))


@pytest.fixture(params=[dkimpy, opendkim], ids=lambda verifier: verifier.__name__)
def verified(request: pytest.FixtureRequest) -> Verifier:
    """One verifier after the other."""
    verifier: Verifier = request.param
    return verifier


@pytest.fixture
async def signed(open_house: Callable[..., object], tmp_path: Path) -> tuple[bytes, Config]:
    """A copy as relayed, of a newsletter that had fields of the tool's, signed with both kinds of key."""
    (tmp_path / "rsa.pem").write_bytes(new_key("rsa"))
    rsa = '\n[[dkim]]\ndomain = "shop.example"\nselector = "rsa"\nprivate_key_file = "rsa.pem"\n'
    house: House = await open_house(extra=rsa)  # type: ignore[misc]
    await house.consent(ANNA)
    code, _ = await house.submit(ANNA, message=OF_THE_TOOL + NEWSLETTER)
    (copy,) = house.smarthost.messages
    assert code == 250
    return copy.content, house.config


BOTH = {"rsa-sha256", "ed25519-sha256"}


async def test_a_relayed_copy_verifies(
    signed: tuple[bytes, Config], verified: Verifier, tmp_path: Path
) -> None:
    """RSA and Ed25519 both hold, over both list fields (RFC 8058 section 4) and without l= (C1)."""
    content, config = signed

    assert await verified(content, config, tmp_path) == BOTH
    for field in parsed_fields(content, "DKIM-Signature"):
        tags = dict(tag.strip().split("=", 1) for tag in "".join(field.split()).split(";"))
        assert {"list-unsubscribe", "list-unsubscribe-post"} < set(tags["h"].split(":"))
        assert "l" not in tags


async def test_a_body_that_grew_does_not_verify(
    signed: tuple[bytes, Config], verified: Verifier, tmp_path: Path
) -> None:
    """One octet more in the body and no signature holds (C1)."""
    content, config = signed

    assert await verified(content + b"x\r\n", config, tmp_path) == set()


@pytest.mark.parametrize("name", FIELDS)
async def test_a_field_put_in_front_does_not_verify(
    signed: tuple[bytes, Config], verified: Verifier, tmp_path: Path, name: str
) -> None:
    """A second field of a kind that readers act on breaks every signature (C2)."""
    content, config = signed

    assert await verified(f"{name}: x@evil.example\r\n".encode() + content, config, tmp_path) == set()


async def test_what_the_tool_put_in_is_replaced(signed: tuple[bytes, Config]) -> None:
    """One field of each List kind, ours; no Bcc; no signature or ARC set that the notice broke (C4)."""
    content, _ = signed

    assert [len(parsed_fields(content, name)) for name in FIELDS[-2:]] == [1, 1]
    assert "tool.example" not in parsed_fields(content, "List-Unsubscribe")[0]
    assert parsed_fields(content, "Bcc") == []
    assert re.findall(rb"(?im)^arc-|s=old|secret@", content) == []
    assert len(parsed_fields(content, "DKIM-Signature")) == 2


def parsed_fields(content: bytes, name: str) -> list[str]:
    """The values of every field of a name."""
    return [str(value) for value in message_from_bytes(content).get_all(name, [])]
