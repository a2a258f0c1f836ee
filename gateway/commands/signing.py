"""Commands for DKIM keys: make one, and print the DNS records that publish them.

They work on a configuration with faults, since the lack of this very key is one: only the tables they need
are read, and what is wrong with the rest is for check-config to say.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from os.path import normpath
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.address import AddressError, parse
from gateway.commands.terminal import AsJson, ConfigFile, fail, remark, tell, tell_json
from gateway.config import find
from gateway.mail import signature

dkim = typer.Typer(help="DKIM keys.", no_args_is_help=True)

_SELECTOR = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


class KeyKind(StrEnum):
    """What kinds of key there are (RFC 6376, RFC 8463)."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A [[dkim]] table as far as it can be read."""

    domain: str
    selector: str
    private_key_file: Path


@dataclass(frozen=True, slots=True)
class _Tables:
    """What these commands need of the configuration."""

    folder: Path  # relative paths are relative to it
    state_dir: Path
    entries: tuple[_Entry, ...]


@dkim.command("new")
def dkim_new(
    domain: Annotated[str, typer.Argument(help="The domain of the From: addresses.")],
    selector: Annotated[str, typer.Argument(help="The key's name in DNS, as s1.")],
    kind: Annotated[KeyKind, typer.Option("--type", help="The kind of key.")] = KeyKind.RSA,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and print its part of the configuration and the DNS record to publish."""
    tables = _tables(find(config, os.environ))
    domain, selector = _domain(domain), _checked_selector(selector)
    entry = next((one for one in tables.entries if (one.domain, one.selector) == (domain, selector)), None)
    path = entry.private_key_file if entry else tables.state_dir / "dkim" / f"{domain}.{selector}.pem"
    key = signature.new_key(kind.value)
    _write(path, key)
    if not as_json:
        tell(f"wrote {path}")
        if entry is None:
            tell(f'\n[[dkim]]\ndomain = "{domain}"\nselector = "{selector}"\nprivate_key_file = "{path}"')
        tell("\nPublish in DNS:")
    _tell_record(_Entry(domain, selector, path), key, as_json=as_json)


@dkim.command("record")
def dkim_record(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Print the DNS record of every configured key."""
    entries = _tables(find(config, os.environ)).entries
    if not entries:
        fail("the configuration has no [[dkim]] key")
    for entry in entries:
        try:
            key = entry.private_key_file.read_bytes()
            _tell_record(entry, key, as_json=as_json)
        except OSError as error:
            fail(f"{entry.private_key_file}: {error.strerror}")
        except signature.SigningError as error:
            fail(f"{entry.private_key_file}: {error}")


def _tell_record(entry: _Entry, key: bytes, *, as_json: bool) -> None:
    name, strings = signature.record(entry.domain, entry.selector, key)
    if as_json:
        tell_json({"name": name, "value": "".join(strings), "private_key_file": str(entry.private_key_file)})
        return
    value = " ".join(f'"{part}"' for part in strings)  # RFC 6376 section 3.6.2.2: strings of 255 octets
    tell(f"{name}. IN TXT ( {value} )")


def _write(path: Path, key: bytes) -> None:
    """Write a key that its owner alone can read; never over another, with which mail may be signed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        remark("its record: `sendright dkim record`; another key needs another selector")
        fail(f"{path} is there already and is not overwritten")
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def _domain(text: str) -> str:
    try:
        return parse(f"postmaster@{text}").domain
    except AddressError as error:
        fail(f"{text}: {error}")


def _checked_selector(text: str) -> str:
    if not _SELECTOR.fullmatch(text):
        fail(f"{text}: a selector has letters, digits and hyphens (RFC 6376 section 3.1)")
    return text


def _tables(path: Path) -> _Tables:
    """The parts of the configuration that these commands need, whatever the rest is like."""
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except ValueError as error:  # TOML and UTF-8 errors alike
        fail(f"{path}: {error}")
    folder = path.absolute().parent
    gateway = read.get("gateway")
    named = os.environ.get("SENDRIGHT_GATEWAY__STATE_DIR") or (
        gateway.get("state_dir") if isinstance(gateway, dict) else None
    )
    listed = read.get("dkim")
    entries = [_entry(folder, one) for one in listed] if isinstance(listed, list) else []
    return _Tables(
        folder, Path(normpath(folder / str(named or "state"))), tuple(entry for entry in entries if entry)
    )


def _entry(folder: Path, table: object) -> _Entry | None:
    """One [[dkim]] table; None if it lacks what names a key."""
    if not isinstance(table, Mapping):
        return None
    values: Mapping[str, Any] = table
    names = [values.get(name) for name in ("domain", "selector", "private_key_file")]
    if not all(isinstance(name, str) and name for name in names):
        return None
    domain, selector, file = (str(name) for name in names)
    return _Entry(_domain(domain), selector, Path(normpath(folder / file)))
