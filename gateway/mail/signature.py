"""DKIM (RFC 6376, RFC 8463), octet for octet as dkimpy signs (the tests hold that); the keys are OpenSSL's.

Rules of this file:

1. relaxed/relaxed, and never `l=`: what is appended later is not ours (RFC 6376 section 8.2).
2. Fields of which a second one would mislead a reader are signed once more than they occur, so that an
   added one breaks the signature (RFC 6376 section 5.4.2), List-Unsubscribe and its Post among them.
3. Both list fields are covered (RFC 8058 section 4).
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

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

from gateway.mail.message import Field, read_fields

_OVERSIGNED = (
    "from", "to", "cc", "subject", "date", "reply-to", "message-id", "mime-version",
    "content-type", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
_SIGNED = (
    "sender", "content-transfer-encoding", "feedback-id", "in-reply-to", "references",
    "list-id", "list-help", "list-subscribe", "list-post", "list-owner", "list-archive",
)  # fmt: skip

_PREHASHED = utils.Prehashed(hashes.SHA256())
_MIN_RSA_BITS = 1024  # RFC 8301 section 3.2
_WIDTH = 72  # of a line of the field, as dkimpy folds
_NAME = b"DKIM-Signature"
_MOST_KEPT = 1_000  # octets of h= for which the folded tags are kept
_MOST_COUNTED = 50  # fields of one name: more are signed all the same, and their h= is not kept
_TIME, _HASH = b"\1", b"\2"  # stand for an octet of t= and of bh= in these
_NONE = b"0" * 60  # stands for b=: as long as no signature is too short for a line of its own

# By key: its name, and how many times more than it occurs.
_COVERED = {name: (name.encode(), 1) for name in _OVERSIGNED} | {name: (name.encode(), 0) for name in _SIGNED}

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class SigningError(Exception):
    """The key cannot be used, or the message cannot be signed."""


class Covered(NamedTuple):
    """The fields that a signature covers: `names` for its `h=`, and their canonical `lines` in that order."""

    names: bytes
    lines: bytes


class _Tags(NamedTuple):
    """What stands before, between and after the values of `t` and `bh`."""

    before: bytes
    between: bytes
    after: bytes

    def filled(self, time: bytes, body_hash: bytes) -> bytes:
        return b"".join((self.before, time, self.between, body_hash, self.after))


class Signer:
    """Signs for one domain with one key, which is parsed once."""

    def __init__(self, domain: str, selector: str, key: bytes | PrivateKey) -> None:
        """`domain` in A-labels; `key` a loaded key or PEM. Raises SigningError."""
        self.domain = domain.encode("ascii")
        self.selector = selector.encode("ascii")
        self._key = load_key(key) if isinstance(key, bytes) else key
        is_rsa = isinstance(self._key, rsa.RSAPrivateKey)
        self._identity = (b"rsa-sha256" if is_rsa else b"ed25519-sha256", self.domain, self.selector)

    def sign(self, content: bytes, *, signed_at: int) -> bytes:
        """The DKIM-Signature field to put in front of `content`, with its final CRLF.

        `content` has CRLF line ends only; `signed_at` is in Unix seconds. Raises SigningError.
        """
        header, _, body = content.partition(b"\r\n\r\n")
        header = header.removesuffix(b"\r\n") + b"\r\n"
        fields, read = read_fields(header, most=len(header))  # as many as there are
        if read != len(header):
            raise SigningError("message header is malformed")
        digest = hashlib.sha256(relaxed_body(body)).digest()
        return self.sign_parts(covered(fields), digest, signed_at=signed_at)

    def sign_parts(self, header: Covered, body_digest: bytes, *, signed_at: int) -> bytes:
        """The same for fields in canonical form, and the SHA-256 of a canonical body (32 bytes)."""
        time, body_hash = b"%d" % signed_at, _base64(body_digest)
        fold = _folded_tags if len(header.names) <= _MOST_KEPT else _folded_tags.__wrapped__
        folded, canonical = fold(self._identity, header.names, len(time))
        # RFC 6376 section 3.7: this field goes last, without a signature and without its CRLF
        ours = canonical.filled(time, body_hash)
        digest = hashlib.sha256(b"%bdkim-signature:%b" % (header.lines, ours)).digest()
        signature = _folded_value(_base64(self._raw_signature(digest)))
        return b"%b: %b%b\r\n" % (_NAME, folded.filled(time, body_hash), signature)

    def _raw_signature(self, digest: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(digest, padding.PKCS1v15(), _PREHASHED)
        return self._key.sign(digest)  # RFC 8463 section 3: Ed25519 over the SHA-256 hash


def covered(fields: Sequence[Field]) -> Covered:
    """The fields of a header that are signed, in canonical form. Raises SigningError."""
    found: dict[str, list[bytes]] = {}
    for field in reversed(fields):  # RFC 6376 section 5.4.2: from the bottom up
        if field.key in _COVERED:
            found.setdefault(field.key, []).append(field.value)
    if "from" not in found:  # RFC 6376 section 5.4
        raise SigningError("message has no From field")
    counts = tuple([len(found[key]) if key in found else 0 for key in _COVERED])
    names = _names(counts) if max(counts) <= _MOST_COUNTED else _names.__wrapped__(counts)
    lines = [
        b"%b:%b\r\n" % (name, value) for key, (name, _) in _COVERED.items() for value in found.get(key, ())
    ]
    return Covered(names, _one_blank(b"".join(lines)))


@lru_cache(maxsize=64)
def _names(counts: tuple[int, ...]) -> bytes:
    """The value of `h=` for fields that occur so many times, in the order of _COVERED."""
    names = [
        name
        for count, (name, more) in zip(counts, _COVERED.values(), strict=True)
        for _ in range(count + more)
    ]
    return b" : ".join(names)


@lru_cache(maxsize=64)
def _folded_tags(identity: tuple[bytes, bytes, bytes], names: bytes, digits: int) -> tuple[_Tags, _Tags]:
    """The tags up to the value of `b`, as written and in canonical form (RFC 6376 sections 3.5 and 3.4.2).

    In dkimpy's order. Of the values of `t` and `bh` only the lengths matter.
    """
    algorithm, domain, selector = identity
    tags = (
        *(b"v=1", b"a=" + algorithm, b"c=relaxed/relaxed", b"d=" + domain, b"i=@" + domain, b"q=dns/txt"),
        *(b"s=" + selector, b"t=" + _TIME * digits, b"h=" + names, b"bh=" + _HASH * 44, b"b=" + _NONE),
    )
    folded = _folded(b"; ".join(tags)).removesuffix(_NONE)
    canonical = _one_blank(folded.replace(b"\r\n", b""))
    return _parted(folded, digits), _parted(canonical, digits)


def _parted(tags: bytes, digits: int) -> _Tags:
    before, _, rest = tags.partition(_TIME * digits)
    between, _, after = rest.partition(_HASH * 44)
    return _Tags(before, between, after)


def _folded(value: bytes) -> bytes:
    """Lines broken at their last blank, or where they are full."""
    lines, width = [], _WIDTH - len(_NAME)
    while len(value) > width:
        end = value.rfind(b" ", 0, width)
        lines.append(value[:width] if end < 0 else value[:end])
        value = value[width if end < 0 else end + 1 :]
        width = _WIDTH - 1  # after the blank that folds
    return b"\r\n ".join([*lines, value])


def _folded_value(value: bytes) -> bytes:
    """The value of `b`, on the line that begins with its name."""
    first = _WIDTH - 1 - len(b"b=")
    lines = [value[at : at + _WIDTH - 1] for at in range(first, len(value), _WIDTH - 1)]
    return b"\r\n ".join([value[:first], *lines])


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4, in linear time, of a body with CRLF line ends only."""
    body = relaxed_lines(body)
    kept = len(body.rstrip(b"\r\n"))  # so only whole line ends are stripped
    return body[:kept] + b"\r\n" if kept else b""


def relaxed_lines(lines: bytes) -> bytes:
    """The same of whole lines, before it matters which are the last."""
    return _one_blank(lines).replace(b" \r\n", b"\r\n")


def _one_blank(text: bytes) -> bytes:
    """Blanks that follow one another as one space (RFC 6376 sections 3.4.2 and 3.4.4)."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:  # half as many each time
        text = text.replace(b"  ", b" ")
    return text


def _base64(octets: bytes) -> bytes:
    return b2a_base64(octets, newline=False)


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
    value = f"v=DKIM1; k={kind}; p={_base64(public).decode('ascii')}"
    chunks = tuple(value[start : start + 255] for start in range(0, len(value), 255))
    return f"{selector}._domainkey.{domain}", chunks
