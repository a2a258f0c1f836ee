"""What is asked of the withheld log, as a form or a link says it: everything by its name in the query."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from gateway.address import AddressError, parse
from gateway.ids import from_ref
from gateway.keys import Keys
from gateway.ports import Filters
from gateway.web.times import is_time, since_of, until_of

FIELDS = ("since", "until", "reason", "category", "campaign", "login", "address", "controller")
LONGEST = 1000  # characters of a field


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields as they were given, and what they ask for; `faults` are by the name of a field."""

    given: Mapping[str, str]
    filters: Filters
    faults: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: str, **more: str) -> str:
        """A link to that path with the same fields, and with these."""
        query = urlencode({**self.given, **more}, errors="replace")
        return f"{path}?{query}" if query else path

    def said(self, known: Collection[str]) -> dict[str, object]:
        """The fields as an act says them, with these choices at most: erasing misses whom it names (I7).

        A campaign's name may name somebody: of it the mark is said, under which it is counted.
        """
        choices = ("reason", "category", "login", "controller")
        said: dict[str, object] = {
            name: self.given[name] for name in ("since", "until") if name in self.given
        }
        said |= {name: self.given[name] for name in choices if self.given.get(name) in known}
        return said | ({"campaign": self.filters.campaign_mark.hex()} if "campaign" in self.given else {})


def asked(query: Mapping[str, str], keys: Keys, controllers: Iterable[str]) -> Asked:
    """What the query asks for; `controllers` are those of whom a person may have been mailed."""
    given = {name: value for name in FIELDS if (value := query.get(name, "").strip()[:LONGEST])}
    given = {name: value.encode("utf-8", "replace").decode() for name, value in given.items()}
    faults: dict[str, str] = {
        name: "must be a day as 2026-03-01, or a time with a zone as 2026-03-01T09:30:00+01:00"
        for name in ("since", "until")
        if name in given and not is_time(given[name])
    }
    people = None
    if "address" in given:
        try:
            mailbox = parse(given["address"])
            whose = [one for one in controllers if given.get("controller") in (None, one)]
            people = tuple((one, keys.hash(one, mailbox.comparable)) for one in whose)
        except AddressError as error:
            faults["address"] = str(error)
    filters = Filters(
        withheld=True,
        since=since_of(given.get("since")),
        until=until_of(given.get("until")),
        reason=given.get("reason"),
        category=given.get("category"),
        campaign=given.get("campaign"),
        campaign_mark=keys.campaign_mark(given.get("campaign", "")),
        login=given.get("login"),
        controller=given.get("controller"),
        people=people,
    )
    return Asked(given, filters, faults)


def id_in(text: str) -> int | None:
    """The id that a reference in a path or a query names; None where it names none."""
    try:
        return from_ref(text)
    except ValueError:
        return None
