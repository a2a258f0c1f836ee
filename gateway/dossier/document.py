"""A dossier as JSON: stable, documented in docs/dossier.md, and signed whole, so that anybody can check it.

What is said of a row in plain words stands beside the row as it is stored; deploy/verify_export.py holds the
one against the other, and follows links, digests, seals and the signature.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.address import Mailbox
from gateway.dossier.consents import consent_records
from gateway.dossier.gathering import Answer, Dossier, Rooms, Section, Term, article_of, dossier
from gateway.dossier.records import ActRecord, DecisionRecord, EvidenceRecord, FateRecord, SealRecord, Stored
from gateway.dossier.words import facts_of, sentence_of
from gateway.ids import ref
from gateway.law.decision import Send

FORMAT = "sendright-dossier/1"
SIGNED = b"sendright dossier\n"  # before the canonical JSON of all but the signature

Json: TypeAlias = dict[str, object]

canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def document(made: Dossier, seal_key: bytes) -> Json:
    """The dossier as JSON can carry it, signed with the key of the seals (Ed25519, 32 octets)."""
    key = Ed25519PrivateKey.from_private_bytes(seal_key)
    body: Json = {
        "format": FORMAT,
        "made_at": _time(made.made_at),
        "address": made.mailbox.wire,
        "sections": [_section(section, made.made_at) for section in made.sections],
        "key": key.public_key().public_bytes_raw().hex(),
    }
    return body | {"signature": key.sign(SIGNED + canonical(body).encode()).hex()}


class DossiersAsJson:
    """Dossiers of one controller, as the API gives them."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def of(self, controller: str, mailbox: Mailbox) -> Json | None:
        """The dossier, signed; None where nothing is held. Raises StoreUnavailableError."""
        made = await dossier(self._rooms, [controller], mailbox)
        if made.is_empty:
            return None
        return await asyncio.to_thread(document, made, self._rooms.keys.seed("seal"))  # mail goes on


def _section(section: Section, now: datetime) -> Json:
    return {
        "controller": _controller(section),
        "person": section.person.hex(),
        "evidence": [_evidence(one) for one in section.held.evidence],
        "now": [_answer(one) for one in section.now],
        "decisions": [_decision(one, section) for one in section.held.decisions],
        "mail": {name: getattr(section.mail, name) for name in section.mail.__dataclass_fields__},
        "refusals": [one.fact.id for one in section.refusals],
        "acts": [_act(one) for one in section.held.acts],
        "retention": [_term(one) for one in section.terms],
        "consent_records": consent_records(section, now),
        "seals": [_seal(one) for one in section.held.seals],
    }


def _controller(section: Section) -> Json:
    """Who is responsible, and for whom (GDPR 13(1)(a)-(b), 15)."""
    one = section.responsible
    agreed = one.processing_agreement_date
    return {
        "id": one.id,
        "name": one.name,
        "postal_address": one.postal_address,
        "contact": one.contact,
        "officer": one.officer,
        "privacy_policy_url": one.privacy_policy_url,
        "country": one.country,
        "on_behalf_of": one.on_behalf_of or None,
        "processing_agreement_date": agreed.isoformat() if agreed else None,
        "pack": section.pack.id,
        "pack_version": section.pack.version,
        "law": section.pack.law,
    }


def _evidence(one: EvidenceRecord) -> Json:
    return {
        "id": one.fact.id,
        "kind": one.kind,
        "occurred_at": _time(one.fact.occurred_at),
        "recorded_at": _time(one.fact.recorded_at),
        "facts": facts_of(one.fact),
        **_details(one.stored),
        "stored": _stored(one.stored),
    }


def _answer(one: Answer) -> Json:
    decision = one.decision
    outcome = decision.ground if isinstance(decision, Send) else decision.reason
    return {
        "category": one.category.id,
        "title": one.category.title,
        "purpose": one.category.purpose,
        "channel": one.channel,
        "decision": "send" if isinstance(decision, Send) else "withhold",
        "ground": outcome.value if isinstance(decision, Send) else None,
        "reason": None if isinstance(decision, Send) else outcome.value,
        "sentence": outcome.sentence,
        "lacks": None if isinstance(decision, Send) else decision.detail or None,
        "article": decision.article,
        "evidence": list(decision.evidence),
    }


def _decision(one: DecisionRecord, section: Section) -> Json:
    return {
        "id": one.id,
        "ref": ref(one.submission),
        "decided_at": _time(one.at),
        "login": one.login,
        "category": one.category,
        "category_asked": one.category_asked,
        "channel": one.channel,
        "decision": one.decision,
        "relaxed": one.relaxed,
        "ground": one.ground,
        "reason": one.reason,
        "sentence": sentence_of(one),
        "article": article_of(one, section.held),
        "evidence": list(one.evidence),
        "customer": one.customer,
        "pack": one.pack,
        "pack_version": one.pack_version,
        **_details(one.stored),
        "stored": _stored(one.stored),
        "fate": _fate(one.fate) if one.fate else None,
    }


def _fate(one: FateRecord) -> Json:
    return {
        "fate": one.fate,
        "at": _time(one.at),
        "code": one.code,
        "enhanced": one.enhanced,
        "stage": one.stage,
        **_details(one.stored),
        "stored": _stored(one.stored),
    }


def _act(one: ActRecord) -> Json:
    return {
        "id": one.id,
        "at": _time(one.at),
        "act": one.act,
        **_details(one.stored),
        "stored": _stored(one.stored),
    }


def _term(one: Term) -> Json:
    """How long, and why (L24); a class without a term says so by nulls."""
    term = one.retention
    return {
        "class": one.name,
        "rows": one.rows,
        "keep_at_least_days": term.keep_at_least_days if term else None,
        "keep_at_most_days": term.keep_at_most_days if term else None,
        "reason": term.reason if term else None,
    }


def _seal(one: SealRecord) -> Json:
    return {
        "id": one.id,
        "at": one.at,
        "writer": one.writer,
        "heads": one.heads,
        "key": one.key.hex(),
        "signature": one.signature.hex(),
    }


def _details(stored: Stored) -> Json:
    details = stored.details
    return {"erased": details is None, "details": None if details is None else dict(details)}


def _stored(stored: Stored) -> Json:
    """Octets in hex, as in the digest of the row (store/chain.py)."""
    return {
        "row": {name: _plain(value) for name, value in stored.row.items()},
        "before": stored.before.hex(),
        "link": stored.link.hex(),
        "salt": stored.salt.hex() if stored.salt else None,
    }


def _plain(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


def _time(moment: datetime) -> str:
    return moment.isoformat()
