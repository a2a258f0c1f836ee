"""DKIM (RFC 6376, RFC 8463): canonical forms and header rules by dkimpy, keys and signing by OpenSSL.

Rules of this file:

1. relaxed/relaxed, and never `l=`: what is appended later is not ours (RFC 6376 section 8.2).
2. Fields of which a second one would mislead a reader are signed once more than they occur, so that an
   added one breaks the signature (RFC 6376 section 5.4.2), List-Unsubscribe and its Post among them.
3. Both list fields are covered (RFC 8058 section 4).
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Literal

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gateway.mail.message import read_fields

_OVERSIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"message-id", b"mime-version",
    b"content-type", b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
_SIGNED = (
    b"sender", b"content-transfer-encoding", b"feedback-id", b"in-reply-to", b"references",
    b"list-id", b"list-help", b"list-subscribe", b"list-post", b"list-owner", b"list-archive",
)  # fmt: skip

_CANONICAL = dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
_BLANKS = re.compile(rb"[ \t]{2,}|\t")
_PREHASHED = utils.Prehashed(hashes.SHA256())
_MIN_RSA_BITS = 1024  # RFC 8301 section 3.2

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class SigningError(Exception):
    """The key cannot be used, or the message cannot be signed."""


class Signer:
    """Signs for one domain with one key, which is parsed once."""

    def __init__(self, domain: str, selector: str, key: bytes | PrivateKey) -> None:
        """`domain` in A-labels; `key` a loaded key or PEM. Raises SigningError."""
        self.domain = domain.encode("ascii")
        self.selector = selector.encode("ascii")
        self._key = load_key(key) if isinstance(key, bytes) else key
        is_rsa = isinstance(self._key, rsa.RSAPrivateKey)
        self._algorithm = b"rsa-sha256" if is_rsa else b"ed25519-sha256"

    def sign(self, content: bytes, *, signed_at: int) -> bytes:
        """The DKIM-Signature field to put in front of `content`, with its final CRLF.

        `content` has CRLF line ends only; `signed_at` is in Unix seconds. Raises SigningError.
        """
        header, _, body = content.partition(b"\r\n\r\n")
        fields = _fields(header.removesuffix(b"\r\n") + b"\r\n")
        names = _signed_names([name for name, _ in fields])
        tags = self._tags(body, names, signed_at)
        return b"DKIM-Signature: " + self._signed(tags, fields, names)

    def _tags(self, body: bytes, names: list[bytes], signed_at: int) -> list[tuple[bytes, bytes]]:
        """RFC 6376 section 3.5, in dkimpy's order; `b` is filled with as much as never to refold the rest."""
        digest = hashlib.sha256(relaxed_body(body)).digest()
        return [
            (b"v", b"1"),
            (b"a", self._algorithm),
            (b"c", _CANONICAL.to_c_value()),
            (b"d", self.domain),
            (b"i", b"@" + self.domain),
            (b"q", b"dns/txt"),
            (b"s", self.selector),
            (b"t", b"%d" % signed_at),
            (b"h", b" : ".join(names)),
            (b"bh", base64.b64encode(digest)),
            (b"b", b"0" * 60),
        ]

    def _signed(
        self, tags: list[tuple[bytes, bytes]], fields: list[tuple[bytes, bytes]], names: list[bytes]
    ) -> bytes:
        """The field's value with its signature, folded as dkimpy folds."""
        name = b"DKIM-Signature"
        unsigned = dkim.RE_BTAG.sub(b"\\1", dkim.fold(b"; ".join(map(b"=".join, tags)), namelen=len(name)))
        hasher = hashlib.sha256()
        canonical = _CANONICAL.canonicalize_headers(fields)
        dkim.hash_headers(hasher, _CANONICAL, canonical, names, (name, b" " + unsigned), dict(tags))
        tags[-1] = (b"b", base64.b64encode(self._raw_signature(hasher.digest())))
        folded: bytes = dkim.fold(b"; ".join(map(b"=".join, tags)) + b"\r\n", namelen=len(name))
        return folded

    def _raw_signature(self, digest: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(digest, padding.PKCS1v15(), _PREHASHED)
        return self._key.sign(digest)  # RFC 8463 section 3: Ed25519 over the SHA-256 hash


def _fields(header: bytes) -> list[tuple[bytes, bytes]]:
    """Lower-case name and value as written; dkimpy's own reader takes quadratic time over a folded field."""
    fields, read = read_fields(header, most=len(header))  # as many as there are: ours came on top
    if read != len(header):
        raise SigningError("message header is malformed")
    return [(field.key.encode("ascii"), field.raw[len(field.key) + 1 :]) for field in fields]


def _signed_names(present: list[bytes]) -> list[bytes]:
    """The `h=` list for a message with these lower-case field names."""
    if b"from" not in present:  # RFC 6376 section 5.4
        raise SigningError("message has no From field")
    names = [name for name in _OVERSIGNED for _ in range(present.count(name) + 1)]
    return names + [name for name in _SIGNED for _ in range(present.count(name))]


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4: the same octets as dkimpy's, in linear time and one pass for most mail."""
    if b"  " in body or b"\t" in body:
        body = _BLANKS.sub(b" ", body)
    stripped = body.replace(b" \r\n", b"\r\n")
    kept = len(stripped.rstrip(b"\r\n"))  # CRLF line ends only, so only whole line ends are stripped
    return stripped[:kept] + b"\r\n" if kept else b""


def load_key(pem: bytes) -> PrivateKey:
    """A private key from PEM: RSA of 1024 bits or more, or Ed25519. Raises SigningError."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError("not an unencrypted private key in PEM") from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _MIN_RSA_BITS:
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    raise SigningError("DKIM needs an RSA key of at least 1024 bits or an Ed25519 key")


def new_key(kind: Literal["rsa", "ed25519"] = "rsa") -> bytes:
    """A fresh private key in PEM (PKCS#8); RSA of 2048 bits (RFC 8301 section 3.2)."""
    key: PrivateKey
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def record(domain: str, selector: str, key: bytes | PrivateKey) -> tuple[str, tuple[str, ...]]:
    """The DNS name and the TXT strings (255 octets at most, RFC 6376 section 3.6.2.2) that publish a key."""
    private = load_key(key) if isinstance(key, bytes) else key
    if isinstance(private, rsa.RSAPrivateKey):
        kind = "rsa"
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        kind = "ed25519"  # RFC 8463 section 4: the raw 32 octets
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    value = f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode('ascii')}"
    chunks = tuple(value[start : start + 255] for start in range(0, len(value), 255))
    return f"{selector}._domainkey.{domain}", chunks
