"""A second pass: every golden copy, relayed on by a Postfix with its own habits, still verifies.

Stock dkimpy and OpenDKIM both say so.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import smtplib
import subprocess
import tempfile
from pathlib import Path

import dkim
import pytest

from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.rewrite import CannotCarryNoticeError, prepare
from gateway.mail.signature import Signer, new_key, record
from gateway.texts import texts
from tests.bench.postfix import relaying
from tests.clients.test_clients import program
from tests.doubles import EXTENSIONS, RecordingSmarthost
from tests.house import free_port

GOLDEN = sorted((Path(__file__).parents[1] / "mail" / "golden").glob("*.eml"))
KEY = new_key("rsa")
RECORD = "".join(record("zon.example", "s1", KEY)[1]).encode()
AT = 1_770_000_000
DATE = b"Mon, 04 May 2026 09:00:00 +0200"

NOTICE = Notice(
    controller="Bäckerei Zon",
    postal_address="Dorpsstraat 1, 1234 AB Zonstad",
    privacy_policy_url="https://zon.example/privacy",
    category="Nieuwsbrief",
    link="https://gw.example/u/" + "Ab_-" * 16,
    words=texts("nl"),
    ground="consent",
)


def signed_copies(*, eight_bit: bool) -> dict[str, bytes]:
    """The signed copy of each golden that has one, by the recipient it is mailed to."""
    signer = Signer("zon.example", "s1", KEY)
    copies = {}
    for path in GOLDEN:
        message = Message.parse(path.read_bytes().replace(b"\n", b"\r\n"))
        try:
            prepared = prepare(
                message, eight_bit=eight_bit, date=DATE, message_id=b"<%b@gw.example>" % path.stem.encode()
            )
        except CannotCarryNoticeError:
            continue
        unsigned = prepared.copy(NOTICE)
        copies[f"{path.stem}@lezer.example"] = signer.sign(unsigned, signed_at=AT) + unsigned
    return copies


def verifies(content: bytes) -> bool:
    """What stock dkimpy says with the published record."""
    return bool(dkim.verify(content, dnsfunc=lambda *_, **__: RECORD))


def held_by_opendkim(copies: dict[str, bytes], folder: Path) -> set[str]:
    """Whose copy OpenDKIM finds well signed, by the published record."""
    (folder / "keys").write_text(f"s1._domainkey.zon.example {RECORD.decode()}\n")
    (folder / "opendkim.conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder / 'keys'}\n")
    for name, content in copies.items():
        (folder / name).write_bytes(content)
    files = ",".join(str(folder / name) for name in copies)
    options = ["-x", str(folder / "opendkim.conf"), "-t", files, "-v"]
    run = subprocess.run([program("opendkim"), *options], capture_output=True, text=True, check=True)
    said = run.stdout + run.stderr
    return {name for name in copies if re.search(rf"/{re.escape(name)}: verification .* succeeded", said)}


@pytest.mark.skipif(os.geteuid() != 0, reason="a private Postfix instance needs root")
@pytest.mark.parametrize("eight_bit", [True, False], ids=["8bit", "7bit"])
async def test_copies_verify_after_a_second_pass(eight_bit: bool, tmp_path: Path) -> None:
    """Postfix adds, rewrites and folds what it likes of a message from its own host: each signature holds."""
    assert shutil.which("postfix"), "postfix is not installed: run deploy/debian-packages postfix"
    copies = signed_copies(eight_bit=eight_bit)
    extensions = [it for it in EXTENSIONS if eight_bit or it not in ("8BITMIME", "SMTPUTF8")]
    port = free_port()

    def submit() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            for recipient, copy in copies.items():
                client.sendmail("bounces@zon.example", [recipient], copy, ["BODY=8BITMIME"])

    async with RecordingSmarthost(extensions=extensions) as smarthost:
        with tempfile.TemporaryDirectory() as folder, relaying(Path(folder) / "p", port, smarthost.port):
            await asyncio.to_thread(submit)
            passed = await asyncio.wait_for(smarthost.arrived(len(copies)), 60)

    after = {it.recipients[0]: it.content for it in passed}
    assert sorted(after) == sorted(copies)
    assert [name for name, content in after.items() if not verifies(content)] == []
    assert sorted(set(after) - held_by_opendkim(after, tmp_path)) == []
