"""Opening the keys and the store together, in the one way that every command and the server use.

At the first start, when there is neither a keys file nor a database, both are made. One without the other is
a mishap that only a person can judge, and is refused: without its keys a ledger finds no objection again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway import keys as keys_file
from gateway.config import Config
from gateway.grants import law_of
from gateway.keys import Keys
from gateway.ports import Clock
from gateway.store import database
from gateway.store.audit import Audit
from gateway.store.campaigns import Campaigns
from gateway.store.counts import Counts
from gateway.store.dossiers import Dossiers
from gateway.store.erasure import Erasure
from gateway.store.journal import Journal
from gateway.store.ledger import Ledger
from gateway.store.log import Log
from gateway.store.opening import Store, opened
from gateway.store.operators import Operators
from gateway.store.relaxed import Relaxed
from gateway.store.retention import Retention
from gateway.store.withheld import Withheld


class OpeningError(Exception):
    """The keys file and the store do not belong together; the message says what to do."""


class NoStoreError(OpeningError):
    """There is no database: not yet, or no more; the message says what to do."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Rooms:
    """What commands and stories are given of the world."""

    config: Config
    keys: Keys
    store: Store
    clock: Clock

    @property
    def ledger(self) -> Ledger:
        """Evidence."""
        return self.store.ledger

    @property
    def journal(self) -> Journal:
        """What happened to mail."""
        return self.store.journal

    @property
    def erasure(self) -> Erasure:
        """Where details end."""
        return self.store.erasure

    @property
    def retaining(self) -> Retention:
        """Where details that were kept long enough end."""
        return self.store.retention

    @property
    def records(self) -> Dossiers:
        """All that is held on one person."""
        return self.store.dossiers

    @property
    def log(self) -> Log:
        """The journal, to be read."""
        return self.store.log

    @property
    def accounts(self) -> Operators:
        """Who may sign in to the admin pages."""
        return self.store.operators

    @property
    def relaxed(self) -> Relaxed:
        """What report mode let through."""
        return self.store.relaxed

    @property
    def audit(self) -> Audit:
        """What they did there."""
        return self.store.audit

    @property
    def withheld(self) -> Withheld:
        """What was withheld, newest first."""
        return self.store.withheld

    @property
    def counts(self) -> Counts:
        """What was decided and refused over time."""
        return self.store.counts

    @property
    def campaigns(self) -> Campaigns:
        """What came of each campaign."""
        return self.store.campaigns


def keys_of(config: Config) -> Keys:
    """The keys; made, with the database, at the first start. Raises OpeningError, KeysError or OSError."""
    path, url = config.gateway.keys_file, config.store.url
    stored = database.path_of(url).exists()
    if path.exists():
        store_of(config)
        return keys_file.load(path)
    if stored:
        raise OpeningError(
            f"{database.path_of(url)} is there, but its keys file {path} is not: bring it back"
        )
    database.path_of(url).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = keys_file.create(path)
    database.create(url, made.check)
    return made


def store_of(config: Config) -> Path:
    """Where the database is. Raises NoStoreError where it is not."""
    path, keys = database.path_of(config.store.url), config.gateway.keys_file
    if path.exists():
        return path
    if not keys.exists():
        raise NoStoreError(f"there is no store at {path} yet: it is made at the first start")
    raise NoStoreError(
        f"{keys} is there, but the database {path} is not: bring it back, or start an empty one with"
        " `sendright db upgrade` (all evidence and objections would be missing)"
    )


def upgrade(config: Config) -> str:
    """Bring the store to this version's schema, or make an empty one for the keys there are.

    Returns what was done, in words. Raises what `keys_of` raises.
    """
    url = config.store.url
    if config.gateway.keys_file.exists() and not database.path_of(url).exists():
        database.create(url, keys_file.load(config.gateway.keys_file).check)
        return "made an empty store"
    keys_of(config)
    state = database.upgrade(url)
    return f"the store's schema is at {state.current}"


def check(config: Config) -> None:
    """Whether keys and store can be opened; at the first start they are made.

    Raises what `keys_of` raises, SchemaError, KeysMismatchError or sqlite3.Error.
    """
    keys = keys_of(config)
    if fault := database.check(config.store.url).fault:
        raise database.SchemaError(fault)
    database.verify_keys(config.store.url, keys.check)


@asynccontextmanager
async def rooms(
    config: Config, clock: Clock | None = None, *, serving: bool = False, goes_first: bool = False
) -> AsyncIterator[Rooms]:
    """The rooms, opened; `serving` is for a process that relays: what its decisions rest on is put on record.

    `goes_first`: people wait for what this process writes.

    Raises OpeningError, KeysError, SchemaError, KeysMismatchError or StoreUnavailableError.
    """
    clock = clock or SystemClock()
    keys = keys_of(config)
    url, seal_key = config.store.url, keys.seed("seal")
    async with opened(url, keys.check, seal_key, clock.now, serving=serving, goes_first=goes_first) as store:
        if serving:
            store.journal.rests_on(await store.configurations.put_in_force(law_of(config), clock.now()))
        yield Rooms(config, keys, store, clock)
