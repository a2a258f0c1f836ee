"""The mail clients people use each get a newsletter through, with AUTH and STARTTLS, unchanged."""

from __future__ import annotations

import asyncio
import os
import shutil
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles import authority
from tests.house import ANNA, BRAM, NEWSLETTER, SECRET, House, link_of, parsed

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Place:
    """Where the gateway listens, and the files a client is given."""

    host: str
    port: int
    authority: Path
    message: Path


@pytest.fixture
async def tls_house(open_house: Callable[..., object], tmp_path: Path) -> House:
    """A house whose submission port offers STARTTLS and insists on it."""
    certificate = authority().issue_cert("localhost", "127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    settings = 'tls_cert = "tls.crt"\ntls_key = "tls.key"\nrequire_tls = true'
    return await open_house(smtp=settings)  # type: ignore[misc, no-any-return]


@pytest.fixture
def place(tls_house: House, tmp_path: Path) -> Place:
    """What a client needs to know."""
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "newsletter.eml").write_bytes(NEWSLETTER)
    return Place("localhost", tls_house.gateway.smtp[0][1], tmp_path / "ca.pem", tmp_path / "newsletter.eml")


def program(name: str) -> str:
    """The path of a client program; a missing one fails the test, since CI must not skip it."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: run deploy/debian-packages {name}"
    return found


def swaks(place: Place) -> list[str]:
    return [
        program("swaks"), "--server", f"{place.host}:{place.port}", "--tls", "--tls-verify",
        "--tls-ca-path", str(place.authority), "--auth", "LOGIN", "--auth-user", "tool",
        "--auth-password", SECRET, "--from", "bounces@shop.example", "--to", f"{ANNA},{BRAM}",
        "--data", f"@{place.message}",
    ]  # fmt: skip


def msmtp(place: Place) -> list[str]:
    return [
        program("msmtp"), "-C", "/dev/null", f"--host={place.host}", f"--port={place.port}", "--tls=on",
        "--tls-starttls=on", f"--tls-trust-file={place.authority}", "--auth=plain", "--user=tool",
        f"--passwordeval=echo {SECRET}", "--from=bounces@shop.example", ANNA, BRAM,
    ]  # fmt: skip


def curl(place: Place) -> list[str]:
    return [
        program("curl"), "--silent", "--show-error", "--ssl-reqd", "--cacert", str(place.authority),
        "--url", f"smtp://{place.host}:{place.port}", "--user", f"tool:{SECRET}",
        "--mail-from", "bounces@shop.example", "--mail-rcpt", ANNA, "--mail-rcpt", BRAM,
        "--upload-file", str(place.message),
    ]  # fmt: skip


def nodemailer(place: Place) -> list[str]:
    return [
        program("node"), str(HERE / "nodemailer-client.mjs"), place.host, str(place.port), "tool", SECRET,
        str(place.authority), ANNA, BRAM,
    ]  # fmt: skip


@pytest.mark.parametrize("client", [swaks, msmtp, curl, nodemailer], ids=lambda client: client.__name__)
async def test_a_client_program_gets_a_newsletter_through(
    tls_house: House, place: Place, client: Callable[[Place], list[str]]
) -> None:
    """The program exits 0, and both readers get their own copy with their own link."""
    await tls_house.consent(ANNA, BRAM)

    process = await asyncio.create_subprocess_exec(
        *client(place),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"HOME": str(place.message.parent)},
    )
    output, _ = await process.communicate(NEWSLETTER)

    assert process.returncode == 0, output.decode()
    assert_each_has_an_own_copy(tls_house)


async def test_smtplib_gets_a_newsletter_through(tls_house: House, place: Place) -> None:
    """Python's own client gets it through over STARTTLS with the certificate verified."""
    await tls_house.consent(ANNA, BRAM)

    def submit() -> dict[str, tuple[int, bytes]]:
        context = ssl.create_default_context(cafile=str(place.authority))
        with smtplib.SMTP(place.host, place.port, timeout=30) as client:
            client.starttls(context=context)
            client.login("tool", SECRET)
            return client.sendmail("bounces@shop.example", [ANNA, BRAM], NEWSLETTER)

    assert await asyncio.to_thread(submit) == {}
    assert_each_has_an_own_copy(tls_house)


def assert_each_has_an_own_copy(house: House) -> None:
    """Anna and Bram have one copy each, with a link of their own and the words of the newsletter."""
    messages = house.smarthost.messages
    assert sorted(message.recipients for message in messages) == [(ANNA,), (BRAM,)]
    assert len({link_of(message) for message in messages}) == 2
    assert all("Het brood is" in parsed(message).get_payload(0).get_payload() for message in messages)
