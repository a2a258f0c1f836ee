"""The story of a dossier: everything held on one person, and what it adds up to now.

    mailbox -> keyed hash per controller -> rows -> standing -> decision per category -> Dossier

No section ever holds another controller's data (I8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.address import Mailbox
from gateway.config import Config
from gateway.config.schema import Controller as Responsible
from gateway.config.schema import Retention
from gateway.dossier.records import DecisionRecord, EvidenceRecord, OnRecord, Records
from gateway.grants import known_categories
from gateway.keys import Keys
from gateway.law import packs
from gateway.law.category import Category
from gateway.law.decision import Decision, decide
from gateway.law.evidence import CHANNELS, Channel, Objection, Withdrawal
from gateway.law.packs import Pack
from gateway.law.standing import standing_of
from gateway.ports import Clock

REFUSAL = "refusal"  # the class of objections and withdrawals, which have no term (L24)


class Rooms(Protocol):
    """What this story asks of the house."""

    @property
    def config(self) -> Config: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def records(self) -> Records: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What would be decided now on a mail of this category."""

    category: Category
    channel: Channel
    decision: Decision


@dataclass(frozen=True, slots=True)
class Term:
    """How long a class of rows is kept, and why; `rows` are held of it. Without a `retention` none is set."""

    name: str
    rows: int
    retention: Retention | None


@dataclass(frozen=True, slots=True)
class Mail:
    """How many copies went, and how many did not."""

    relayed: int
    refused: int
    deferred: int
    unknown: int  # fate unknown: it may have gone (I2)
    withheld: int


@dataclass(frozen=True, slots=True)
class Section:
    """What one controller holds."""

    responsible: Responsible
    pack: Pack
    language: str
    person: bytes  # the keyed hash under which the person is on record
    held: OnRecord
    now: Sequence[Answer]
    mail: Mail
    terms: Sequence[Term]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return not (self.held.evidence or self.held.decisions or self.held.acts)

    @property
    def refusals(self) -> list[EvidenceRecord]:
        """Every objection and withdrawal."""
        return [one for one in self.held.evidence if isinstance(one.fact, Objection | Withdrawal)]


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is held on the person who is reached at this mailbox."""

    mailbox: Mailbox
    made_at: datetime
    sections: Sequence[Section]

    @property
    def is_empty(self) -> bool:
        """Whether no controller holds anything."""
        return all(section.is_empty for section in self.sections)


async def dossier(rooms: Rooms, controllers: Iterable[str], mailbox: Mailbox) -> Dossier:
    """What these controllers hold on a person, a section for each. Raises StoreUnavailableError."""
    sections = [await _section(rooms, controller, mailbox) for controller in controllers]
    return Dossier(mailbox, rooms.clock.now(), sections)


async def _section(rooms: Rooms, controller: str, mailbox: Mailbox) -> Section:
    config = rooms.config
    person = rooms.keys.hash(controller, mailbox.comparable)
    held = await rooms.records.of(controller, person)
    (responsible,) = (one for one in config.controller if one.id == controller)
    by_law = config.controllers[controller]
    return Section(
        responsible=responsible,
        pack=by_law.pack,
        language=by_law.language,
        person=person,
        held=held,
        now=list(_answers(config, controller, mailbox, held, rooms.clock.now())),
        mail=_mail(held.decisions),
        terms=list(_terms(config, held)),
    )


def _answers(
    config: Config, controller: str, mailbox: Mailbox, held: OnRecord, now: datetime
) -> Iterator[Answer]:
    """What would be decided now, for every category of the controller and each channel it may use."""
    standing = standing_of(
        [one.fact for one in held.evidence],
        local_part=mailbox.local_part,
        known_categories=known_categories(config, controller),
    )
    for category in config.categories.values():
        if category.controller == controller:
            for channel in (one for one in CHANNELS if one in category.channels):
                decision = decide(category, config.controllers[controller], channel, standing, now)
                yield Answer(category, channel, decision)


def _mail(decisions: Sequence[DecisionRecord]) -> Mail:
    fates = Counter(_fate(one) for one in decisions)
    return Mail(fates["relayed"], fates["refused"], fates["deferred"], fates["unknown"], fates["withheld"])


def _fate(decision: DecisionRecord) -> str:
    """What became of the copy; a decision to send without a fate is fate unknown (I2)."""
    if decision.decision == "withhold" and not decision.relaxed:
        return "withheld"
    return decision.fate.fate if decision.fate else "unknown"


def _terms(config: Config, held: OnRecord) -> Iterator[Term]:
    """The terms of each class of which something is held (L24)."""
    rows = Counter(
        REFUSAL if isinstance(one.fact, Objection | Withdrawal) else one.kind for one in held.evidence
    )
    rows["journal"] = len(held.decisions)
    rows["audit"] = len(held.acts)
    for name, count in rows.items():
        if count:
            yield Term(name, count, config.retention.get(name))


def article_of(decision: DecisionRecord, held: OnRecord) -> str | None:
    """The article that the decision cited: of the pack's version it was made under, if that is known."""
    pack = packs.PACKS.get(decision.pack)
    if pack is None or pack.version != decision.pack_version:
        pack = held.old_packs.get((decision.pack, decision.pack_version))
    return pack.articles.get(decision.ground or decision.reason or "") if pack else None
