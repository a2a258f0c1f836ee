"""Signed mail keeps its signature in the copy: what others' programs verify before, they verify after."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.rewrite import prepare

TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nBrood en taart.  \r\n-- \r\nDe Zon\r\n"


def run(*command: str, content: bytes = b"") -> bytes:
    """A program's output."""
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def first_part(copy: bytes) -> bytes:
    """The first part of a wrapping, as its octets stand between the delimiters."""
    boundary = copy.split(b'boundary="', 1)[1].split(b'"', 1)[0]
    return copy.split(b"\r\n--" + boundary + b"\r\n")[1]


def test_smime_signature_still_verifies(notice: Notice, tmp_path: Path) -> None:
    """multipart/signed by S/MIME: OpenSSL verifies the first part of the wrapping."""
    key, certificate = str(tmp_path / "key"), str(tmp_path / "certificate")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a@zon.example",
        "-keyout", key, "-out", certificate)  # fmt: skip
    signed = run("openssl", "smime", "-sign", "-signer", certificate, "-inkey", key, content=TEXT)
    signed = signed.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    copy = prepare(Message.parse(b"From: a@zon.example\r\n" + signed), eight_bit=True).copy(notice)
    entity = b"MIME-Version: 1.0\r\n" + first_part(copy)

    assert run("openssl", "smime", "-verify", "-noverify", content=entity) == TEXT
    assert notice.link.encode() in copy.split(first_part(copy))[1].replace(b"=\r\n", b"")


def test_pgp_signature_still_verifies(notice: Notice, tmp_path: Path) -> None:
    """multipart/signed by OpenPGP (RFC 3156): GnuPG verifies the signed entity as it stands in the copy."""
    gpg = ("gpg", "--homedir", str(tmp_path), "--batch", "--quiet", "--pinentry-mode", "loopback")
    run(*gpg, "--passphrase", "", "--quick-gen-key", "a@zon.example", "ed25519")
    signature = run(*gpg, "--detach-sign", "--armor", content=TEXT)
    content = (
        b"From: a@zon.example\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=s\r\n\r\n--s\r\n'
        + TEXT
        + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n"
        + signature.replace(b"\n", b"\r\n")
        + b"\r\n--s--\r\n"
    )
    copy = prepare(Message.parse(content), eight_bit=True).copy(notice)
    _, entity, armor, _ = first_part(copy).split(b"\r\n--s")
    (tmp_path / "entity").write_bytes(entity.removeprefix(b"\r\n"))
    (tmp_path / "signature").write_bytes(armor.split(b"\r\n\r\n", 1)[1])

    run(*gpg, "--verify", str(tmp_path / "signature"), str(tmp_path / "entity"))
    assert entity.removeprefix(b"\r\n") == TEXT
