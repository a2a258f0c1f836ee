"""Writes docs/decisions.md from the law's own data: `python docs/decisions.py > docs/decisions.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.law.packs import PACKS, Pack
from gateway.law.reason import Ground, Reason
from gateway.law.remedy import REMEDIES
from gateway.law.table import TABLE, UNDELIVERABLE_ROW, UNDELIVERABLE_TEST

INTRO = """\
# What is decided, and by which article

This page is made from the code that decides (`gateway/law/`): `python docs/decisions.py > docs/decisions.md`.

Each controller has a country pack: its own (`pack` in the configuration), else that of its country. A
decision cites the pack's articles and no other country's.
"""
ORDER = """\
## The order

The first line that applies decides. An objection or a withdrawal comes before every ground of marketing; only
a newer consent that can be proven lifts it.
"""
DIFFERENT = """\
## What the packs decide differently
"""
GROUNDS = """\
## Grounds: why a mail may go
"""
REASONS = """\
## Reasons: why a mail is withheld

A login in report mode (`mode = "report"`) never relaxes the reasons marked with ●.
"""
NEVER = "–"  # a cell of a ground or reason that this pack never gives


def page() -> str:
    """The page, as Markdown."""
    packs = list(PACKS.values())
    names = [pack.id for pack in packs]
    reasons = ([_reason(one), REMEDIES[one], *_articles(one, packs)] for one in Reason)
    return "\n".join(
        [
            INTRO,
            *_table(["pack", "law", "version"], ([one.id, one.law, one.version] for one in packs)),
            ORDER,
            *_table(["", "test"], ([str(number), test] for number, test in _order())),
            DIFFERENT,
            *_table(["", *names], _parameters(packs)),
            GROUNDS,
            *_table(["ground", *names], ([_named(one), *_articles(one, packs)] for one in Ground)),
            REASONS,
            *_table(["reason", "what would make it lawful", *names], reasons),
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [*(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)), ""]


def _order() -> list[tuple[int, str]]:
    return [*((row.number, row.test) for row in TABLE), (UNDELIVERABLE_ROW, UNDELIVERABLE_TEST)]


def _named(outcome: Ground | Reason) -> str:
    return f"**{outcome.value}**<br>{outcome.sentence}"


def _reason(reason: Reason) -> str:
    return _named(reason) + ("" if reason.relaxable else " ●")


def _articles(outcome: Ground | Reason, packs: Sequence[Pack]) -> list[str]:
    return [pack.articles[outcome] if _gives(pack, outcome) else NEVER for pack in packs]


def _gives(pack: Pack, outcome: Ground | Reason) -> bool:
    """Whether this pack's parameters let the outcome come up."""
    if outcome in (Ground.REGISTER, Reason.DO_NOT_CALL):
        return pack.phone == "register"
    return outcome is not Ground.IMPERSONAL_ADDRESS or bool(pack.impersonal_local_parts)


def _parameters(packs: Sequence[Pack]) -> Iterable[list[str]]:
    yield ["Phone calls (after an objection: none)", *(_cell(one, "phone", _phone(one)) for one in packs)]
    yield [
        "Addresses that name nobody need no consent, where the controller has `impersonal_addresses` on",
        *(_cell(one, "impersonal_local_parts", _impersonal(one)) for one in packs),
    ]
    yield [
        "An objection is confirmed by mail, where the controller has `mail_from`",
        *(_cell(one, "receipts", "yes" if one.receipts else "") for one in packs),
    ]
    yield [
        "The notice calls advertising by its name",
        *(_cell(one, "advertising_word", _word(one)) for one in packs),
    ]


def _cell(pack: Pack, parameter: str, value: str) -> str:
    return f"{value}<br>{pack.rests_on[parameter]}" if value else "no"


def _phone(pack: Pack) -> str:
    if pack.phone == "register":
        return "to whom the do-not-call register does not list, and to customers for similar products"
    return "with consent alone"


def _impersonal(pack: Pack) -> str:
    return ", ".join(sorted(pack.impersonal_local_parts))


def _word(pack: Pack) -> str:
    return ", ".join(f"{word} ({language})" for language, word in (pack.advertising_word or {}).items())


if __name__ == "__main__":
    print(page(), end="")
