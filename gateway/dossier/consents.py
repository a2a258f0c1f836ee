"""Consents as records in the shape of ISO/IEC TS 27560:2023, as JSON-LD in the Data Privacy Vocabulary.

The shape is that of the DPV community group's guide (https://w3id.org/dpv/guides/consent-27560): a record for
each consent, with the process it is for, its notice, its events in order, and the parties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

from gateway.dossier.gathering import Section
from gateway.dossier.records import EvidenceRecord
from gateway.law.case import is_proven, lacking
from gateway.law.category import Category
from gateway.law.evidence import ALL, Consent, Evidence, Objection, Withdrawal
from gateway.law.standing import CATEGORY, CHANNEL, MARKETING

Json: TypeAlias = dict[str, object]

CONTEXT: Mapping[str, str] = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "loc": "https://w3id.org/dpv/loc#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "sendright": "urn:sendright:",
}
CONFORMS_TO = "https://w3id.org/dpv/schema/iso-27560#record"
EXPIRED = "dpv:ConsentExpired"
_REACHED_BY = {  # the personal data that each channel takes
    "email": "pd:EmailAddress",
    "sms": "pd:TelephoneNumber",
    "phone": "pd:TelephoneNumber",
    "app": "pd:AccountIdentifier",
    "post": "pd:PhysicalAddress",
}


def consent_records(section: Section, now: datetime) -> list[Json]:
    """A record for each consent on record, also for one without its proof or one that has ended."""
    return [
        _record(section, one, one.fact, now) for one in section.held.evidence if isinstance(one.fact, Consent)
    ]


def _record(section: Section, one: EvidenceRecord, consent: Consent, now: datetime) -> Json:
    controller = f"sendright:controller:{section.responsible.id}"
    parties = {f"sendright:recipient:{number}": name for number, name in enumerate(_third_parties(one), 1)}
    return {
        "@context": dict(CONTEXT),
        "@id": f"sendright:consent:{consent.id}",
        "@type": ["dpv:ConsentRecord"],
        "dct:conformsTo": [CONFORMS_TO],
        "dpv:hasIdentifier": str(consent.id),
        "dct:created": consent.recorded_at.isoformat(),
        "dct:modified": now.isoformat(),
        "dpv:hasDataSubject": f"sendright:person:{section.person.hex()}",
        "dpv:hasDataController": controller,
        "dpv:hasProcess": [_process(section, one, consent, [controller, *parties], now)],
        "dpv:hasEntity": {
            controller: _controller(section),
            **{party: {"@type": ["dpv:ThirdParty"], "dpv:hasName": name} for party, name in parties.items()},
        },
    }


def _process(
    section: Section, one: EvidenceRecord, consent: Consent, recipients: list[str], now: datetime
) -> Json:
    category = _category(section, consent.category)
    purpose = "dpv:PersonalisedAdvertising" if category and category.personalised else "dpv:DirectMarketing"
    title = category.title if category else consent.category
    return {
        "@type": ["dpv:Process"],
        "dct:title": title,
        "dpv:hasPurpose": [{"@type": ["dpv:Purpose"], "skos:broader": [purpose], "skos:prefLabel": title}],
        "dpv:hasLegalBasis": ["dpv:Consent", "eu-gdpr:A6-1-a"],
        "dpv:hasPersonalData": sorted({_REACHED_BY[channel] for channel in consent.channels}),
        "dpv:hasDataSource": ["dpv:DataSubjectDataSource"],
        "dpv:hasStorageCondition": [_storage(section)],
        "dpv:hasRecipient": recipients,
        "dpv:hasJurisdiction": [f"loc:{section.responsible.country.upper()}"],
        "dpv:hasApplicableLaw": ["eu-gdpr:GDPR"],
        "dpv:hasRight": ["eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A16", "eu-gdpr:A17", "eu-gdpr:A20"],
        "dpv:hasNotice": [_notice(one)],
        "dpv:hasConsentStatus": list(_events(section, one, consent, now)),
    }


def _storage(section: Section) -> Json:
    """How long it is kept (L24)."""
    term = next((term.retention for term in section.terms if term.name == "consent"), None)
    duration: Json = {"@type": ["dpv:IndeterminateDuration"]}
    if term:
        duration = {"@type": ["dpv:TemporalDuration"], "rdf:value": f"P{term.keep_at_most_days}D"}
    return {"@type": ["dpv:StorageDuration"], "dpv:hasDuration": duration}


def _notice(one: EvidenceRecord) -> Json:
    """What the person read when they consented; absent once erased, or where none was given."""
    details = one.stored.details or {}
    said = {
        "dpv:hasIdentifier": details.get("wording_version"),
        "dct:description": details.get("wording"),
        "dct:language": details.get("language"),
        "dpv:hasLocation": details.get("source"),
    }
    return {"@type": ["dpv:ConsentNotice"], **{name: value for name, value in said.items() if value}}


def lacks(section: Section, fact: Evidence, now: datetime) -> str:
    """What a consent lacks so as to count for its category as it is now (L2), in words; empty if nothing."""
    category = _category(section, fact.category) if isinstance(fact, Consent) else None
    if not isinstance(fact, Consent) or category is None or is_proven(fact, category, now):
        return ""
    return lacking(fact, category)


def _events(section: Section, one: EvidenceRecord, consent: Consent, now: datetime) -> Iterator[Json]:
    """What happened to it, in order: asked for, given, confirmed, withdrawn or objected to, expired."""
    details = one.stored.details or {}
    where = str(details.get("source") or "")
    if asked_at := details.get("requested_at"):  # the first step of a double opt-in (confirming.py)
        yield _event("dpv:ConsentRequested", datetime.fromisoformat(str(asked_at)), where)
    shown = consent.proven and not lacks(section, consent, now)  # GDPR 7(1)
    event = _event("dpv:ConsentGiven" if shown else "dpv:ConsentUnknown", consent.occurred_at, where)
    if consent.expires_at:
        until = {"@type": ["dpv:UntilTimeDuration"], "rdf:value": consent.expires_at.isoformat()}
        event["dpv:hasDuration"] = until
    yield event
    later = [
        (row.fact.occurred_at, "dpv:ConsentWithdrawn", str((row.stored.details or {}).get("via") or ""))
        for row in section.refusals
        if row.fact.occurred_at >= consent.occurred_at and _ends(section, row.fact, consent)
    ]
    if consent.confirmed_at:
        later.append((consent.confirmed_at, "dpv:ConsentGiven", "double opt-in"))
    if consent.expires_at and consent.expires_at <= now:
        later.append((consent.expires_at, EXPIRED, ""))
    for at, state, how in sorted(later):
        yield _event(state, at, how)


def _event(state: str, at: datetime, where: str) -> Json:
    event: Json = {"@type": [state], "dpv:isIndicatedAtTime": at.isoformat()}
    if state != EXPIRED:
        event["dpv:isIndicatedBy"] = "dpv:DataSubject"
    return event | ({"dpv:isExercisedAt": where} if where else {})


def _ends(section: Section, refusal: object, consent: Consent) -> bool:
    """Whether a refusal takes this consent back: a withdrawal, or an objection that covers it (L4, L11)."""
    names = _names(section, consent.category)
    if isinstance(refusal, Withdrawal):
        return refusal.category == ALL or refusal.category in names
    if not isinstance(refusal, Objection):
        return False
    kind, _, name = refusal.scope.partition(":")
    if kind == CHANNEL.rstrip(":"):
        return consent.channels == {name}
    return refusal.scope == MARKETING or (kind == CATEGORY.rstrip(":") and name in names)


def _names(section: Section, category_id: str) -> frozenset[str]:
    category = _category(section, category_id)
    return category.formerly | {category.id} if category else frozenset({category_id})


def _category(section: Section, category_id: str) -> Category | None:
    """The category as it is configured now."""
    found = (one.category for one in section.now if category_id in {one.category.id, *one.category.formerly})
    return next(found, None)


def _third_parties(one: EvidenceRecord) -> list[str]:
    """The advertisers that the consent names (L8)."""
    named = (one.stored.details or {}).get("third_party")
    return [str(name) for name in named] if isinstance(named, list) else []


def _controller(section: Section) -> Json:
    one = section.responsible
    said = {
        "dpv:hasName": one.name,
        "dpv:hasAddress": one.postal_address,
        "dpv:hasContact": one.contact,
        "dpv:hasDataProtectionOfficer": one.officer,
        "dct:source": one.privacy_policy_url,
    }
    return {"@type": ["dpv:DataController"], **{name: value for name, value in said.items() if value}}
