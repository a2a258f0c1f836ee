"""A bakery and a butcher with a gateway between them, for pages to be looked at: all of it is made up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from importlib.resources import files
from pathlib import Path

from argon2 import PasswordHasher

from gateway.passwords import KIBIBYTES, LANES, PASSES
from tests.doubles import Received
from tests.house import House, link_of

CONFIG = (Path(__file__).parent / "bakery.toml").read_text("utf-8")
PASSWORD = "a goose walks over the bridge"  # of every operator
HASHED = PasswordHasher(PASSES, KIBIBYTES, LANES).hash(PASSWORD)
DOMAIN = "bakkerij-dejong.example"
PEOPLE = [
    json.loads(line)
    for line in files("gateway.demo").joinpath("people.jsonl").read_text("utf-8").splitlines()
]


def consent(address: str, category: str = "newsletter") -> Mapping[str, object]:
    """A proven and confirmed consent, as the bakery's form takes it in."""
    return {
        "email": address,
        "kind": "consent",
        "category": category,
        "occurred_at": "2026-03-02T10:15:00+01:00",
        "confirmed_at": "2026-03-02T10:17:21+01:00",
        "source": f"sign-up form at {DOMAIN}/nieuws",
        "wording": "Ja, stuur mij het nieuws van de bakkerij. Ik kan altijd stoppen.",
        "wording_version": "2026-01",
    }


def newsletter(subject: str, *, campaign: str = "week 47", category: str = "newsletter") -> bytes:
    """A mail of the bakery, as its tool submits it."""
    mail = EmailMessage()
    mail["From"] = f"Bakkerij De Jong <nieuws@{DOMAIN}>"
    mail["To"] = f"Onze lezers <nieuws@{DOMAIN}>"
    mail["Subject"] = subject
    mail["Date"] = "Sat, 21 Nov 2026 09:00:00 +0100"
    mail["X-Sendright-Category"] = category
    if campaign:
        mail["X-Sendright-Campaign"] = campaign
    mail.set_content(f"Goedemorgen,\n\n{subject}.\n\nTot in de winkel,\nBakkerij De Jong\n")
    return bytes(mail).replace(b"\n", b"\r\n")


async def mailed(house: House, *people: str, message: bytes) -> dict[str, Received]:
    """Submit it to these people: the copies that left, by who got them."""
    before = len(house.smarthost.messages)
    code, text = await house.submit(*people, message=message, sender=f"bounces@{DOMAIN}")
    assert code == 250, text
    return {one.recipients[0]: one for one in house.smarthost.messages[before:] if one.sender}


async def subscriber(house: House, address: str, category: str = "newsletter") -> str:
    """Somebody who asked for a category and was mailed: the link in the copy."""
    await house.record(consent(address, category))
    message = newsletter("Speculaas, warm uit de oven", category=category)
    return link_of((await mailed(house, address, message=message))[address])


async def hears(house: House, person: str, category: str = "newsletter") -> bool:
    """Whether the next mail of a category reaches a person."""
    return person in await mailed(house, person, message=newsletter("Vers brood", category=category))


SEASON_BEGINS = datetime(2026, 10, 25, 8, tzinfo=UTC)
CAMPAIGNS = (
    ("Pompoentaart voor het weekend", "week 43"),
    ("Sint-Maarten: lampionkoekjes", "week 45"),
    ("Kruidnoten, elke dag vers", "week 46"),
    ("Speculaas, warm uit de oven", "week 47"),
)
NAMES = (
    *("ahmed", "bente", "cor", "daan", "eline", "femke", "gijs", "hanna", "ilse", "jasper", "katja", "lotte"),
    *("milan", "noor", "olivier", "pien", "quinten", "roos", "sem", "tess", "umit", "vera", "wout", "yara"),
)
READERS = [f"{name}.{family}@example.org" for family in ("bos", "jansen", "yilmaz") for name in NAMES]


async def season(house: House) -> None:
    """Four weeks of a bakery: who asked, bought, entered a contest or objected, and what mail came of it."""
    await house.record(*PEOPLE, *map(consent, READERS))
    known = [*dict.fromkeys(str(one["email"]) for one in PEOPLE), *READERS, "ivo@example.org"]
    house.smarthost.answer("RCPT", "550 5.1.1 No such user", recipient="quinten.bos@example.org")
    for day in range(28):
        subject, campaign = CAMPAIGNS[day // 7]
        if day % 7 in (1, 4, 6):
            people = known[day % 5 :: 1 + day % 2]
            copies = await mailed(house, *people, message=newsletter(subject, campaign=campaign))
            if day % 7 == 4:
                assert await house.click(link_of(next(reversed(copies.values())))) == 200
        buyers = READERS[day % 9 :: 4]
        await mailed(house, *buyers, message=newsletter("Je factuur", campaign="", category="invoice"))
        house.clock.move(timedelta(days=1))
