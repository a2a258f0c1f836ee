"""The keys file: the key that hashes people and the keys that seal unsubscribe links.

Keys are never dropped: without the person key no objection could be found again, and without an old
token key the links in mail already sent would die (contract section 3, `keys_file`).
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from gateway.address import keyed_hash, person_hash


class KeysError(Exception):
    """The keys file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """`person`: 32 bytes, never changed. `token`: 64 bytes by key id (0 to 255); the highest id seals."""

    person: bytes = field(repr=False)  # no key reaches a log or a traceback (L26)
    token: dict[int, bytes] = field(repr=False)

    def hash(self, controller: str, comparable: str) -> bytes:
        """The keyed hash that names a person of a controller on record (16 bytes)."""
        return person_hash(self.person, controller, comparable)

    def digest(self, purpose: str, content: bytes) -> bytes:
        """A 16-byte keyed hash of content, of no use for any other purpose."""
        return keyed_hash(self.person, b"\0" + purpose.encode() + b"\0" + content)

    def campaign_mark(self, name: str) -> bytes:
        """What stands for a campaign's name where it is counted (8 bytes); none for none."""
        return self.digest("campaign", name.encode("utf-8", "replace"))[:8] if name else b""

    def seed(self, purpose: str) -> bytes:
        """32 bytes from which to make a key of another kind, of no use for any other purpose."""
        return hmac.digest(self.person, b"\0seed\0" + purpose.encode(), "sha256")

    @property
    def check(self) -> str:
        """What a store keeps to recognise its keys by: tells nothing of the keys themselves."""
        return self.digest("check", b"").hex()

    def dump(self) -> str:
        """The file's text."""
        token = [{"id": number, "key": key.hex()} for number, key in sorted(self.token.items())]
        return json.dumps({"person": self.person.hex(), "token": token}, indent=2) + "\n"


def fresh() -> Keys:
    """New random keys."""
    return Keys(secrets.token_bytes(32), {1: secrets.token_bytes(64)})


def load(path: Path) -> Keys:
    """The keys in the file. Raises KeysError; FileNotFoundError when there is none yet."""
    try:
        data = json.loads(path.read_text("ascii"))
        person = bytes.fromhex(data["person"])
        token = [(entry["id"], bytes.fromhex(entry["key"])) for entry in data["token"]]
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeysError(f"{path}: not a readable keys file ({error})") from error
    if fault := _fault(person, token):
        raise KeysError(f"{path}: {fault}")
    return Keys(person, dict(token))


def _fault(person: bytes, token: list[tuple[object, bytes]]) -> str:
    """What is wrong with the keys in a file, if anything."""
    numbers = [number for number, _ in token]
    if len(person) != 32 or any(len(key) != 64 for _, key in token):
        return "a key has the wrong length (person: 32 octets, token: 64, in hexadecimal)"
    if not token:
        return "there is no token key"
    if any(type(number) is not int or not 0 <= number <= 255 for number in numbers):
        return "a token key's id is not a whole number from 0 to 255"
    if len(set(numbers)) < len(numbers):  # links sealed with the one left out would die
        return "two token keys have the same id"
    return ""


def create(path: Path) -> Keys:
    """Make the file, readable by its owner alone, durably before first use. Raises FileExistsError."""
    keys = fresh()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(keys.dump())
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # a full disk: half a file would stand in the way of the next start
        path.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
    return keys
