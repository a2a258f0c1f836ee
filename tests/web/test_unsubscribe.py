"""The link in a copy: looking changes nothing, posting objects, and nothing is pretended (L10, L11, I3)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from html.parser import HTMLParser

import aiohttp
import pytest

from gateway.keys import Keys
from gateway.law.evidence import Consent
from gateway.ports import NewEvidence, Sent
from gateway.tokens import seal
from gateway.web import public
from tests.web.conftest import KEYS, NEWS, ON_CONSENT, PERSON, TO_CUSTOMER, Site

ONE_CLICK = "List-Unsubscribe=One-Click"


class Forms(HTMLParser):
    """What a browser without script would send: each form's fields, and where links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []  # those that post to the page's own address
        self.elsewhere: list[str] = []  # where the others post to
        self.buttons = 0
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note forms, their fields and buttons, and links."""
        said = {name: value or "" for name, value in attributes}
        match tag:
            case "form":
                assert said.pop("method") == "post"
                self.elsewhere += said.values()
                if not said:
                    self.forms.append({})
            case "input":
                self.forms[-1][said["name"]] = said["value"]
            case "button":
                self.buttons += 1
            case "a":
                self.links.append(said["href"])


# --- looking


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch"},
        {"User-Agent": "Mozilla/5.0 (compatible; link scanner)"},
    ],
)
async def test_looking_changes_nothing(
    site: Site, client: aiohttp.ClientSession, method: str, headers: dict[str, str]
) -> None:
    """Scanners and prefetchers may look as often as they like, and the person can still object (C8)."""
    for query in ("", "?choice=marketing", "?List-Unsubscribe=One-Click", "?next=//evil.example"):
        async with client.request(method, site.link() + query, headers=headers) as answer:
            assert answer.status == (405 if method == "OPTIONS" else 200)
            assert not answer.history
    assert site.rows == []

    async with client.post(site.link(), data=ONE_CLICK) as answer:
        assert answer.status == 200
    assert site.scopes == ["category:news"]


async def test_looking_needs_no_store(site: Site, client: aiohttp.ClientSession) -> None:
    """The page shows while the store is down."""
    site.ledger.down = True

    async with client.get(site.link()) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("token", "default", "other"),
    [(ON_CONSENT, "category", "marketing"), (TO_CUSTOMER, "marketing", "category")],
)
async def test_the_page_has_one_button_and_leads_to_the_other_choice(
    site: Site, client: aiohttp.ClientSession, token, default: str, other: str
) -> None:
    """One button for what the message stood on; the other choice is a link to a page with one button too."""
    async with client.get(site.link(token)) as answer:
        shown = Forms(await answer.text())
    assert (shown.buttons, shown.forms) == (1, [{"choice": default, "via": "page"}])
    assert f"?choice={other}" in shown.links

    async with client.get(site.link(token) + f"?choice={other}") as answer:
        shown = Forms(await answer.text())
    assert (shown.buttons, shown.forms) == (1, [{"choice": other, "via": "page"}])


async def test_profiling_can_be_switched_off_where_it_is_done(serving, client: aiohttp.ClientSession) -> None:
    """A profiled category's page leads to an objection to profiling (L19)."""
    site: Site = await serving(categories={"news": replace(NEWS, profiled=True)})

    async with client.get(site.link()) as answer:
        assert "?choice=profiling" in Forms(await answer.text()).links
    async with client.post(site.link(), data={"choice": "profiling", "via": "page"}) as answer:
        assert answer.status == 200

    assert site.scopes == ["profiling"]


# --- posting


def multipart(**fields: str) -> aiohttp.MultipartWriter:
    """The fields as multipart/form-data."""
    writer = aiohttp.MultipartWriter("form-data")
    for name, value in fields.items():
        writer.append(value).set_content_disposition("form-data", name=name)
    return writer


BODIES = {
    "urlencoded, as in RFC 8058 section 8.1": (ONE_CLICK.encode(), "application/x-www-form-urlencoded"),
    "multipart, as in RFC 8058 section 8.2": (
        b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
        'multipart/form-data; boundary="x"',
    ),
    "empty": (b"", None),
    "JSON": (b'{"choice": "profiling"}', "application/json"),
    "octets": (bytes(range(256)) * 4, "application/octet-stream"),
    "of no known type": (b"hello", "no/type; at=all; ="),
    "multipart without boundary": (b"--x\r\n", "multipart/form-data"),
    "multipart that never starts": (b"preamble\r\n" * 5000, "multipart/form-data; boundary=x"),
    "ten thousand fields": (b"a=b&" * 10_000, "application/x-www-form-urlencoded"),
    "unknown choice": (b"choice=everything&via=page", "application/x-www-form-urlencoded"),
    "a redirect to elsewhere": (b"next=//evil.example&url=javascript:alert(1)", None),
    "many beginnings of a part": (b';name="choice"\r\nx' * 3000, "multipart/form-data; boundary=x"),
    "a megabyte": (b"x" * 1_000_000, "text/plain"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_every_body_counts(site: Site, client: aiohttp.ClientSession, name: str) -> None:
    """Whatever is posted, of whatever type, is an objection: 200, and no redirect (C9, C12, C16)."""
    body, kind = BODIES[name]

    async with client.post(
        site.link(), data=body, headers={"Content-Type": kind} if kind else {}, allow_redirects=False
    ) as answer:
        assert answer.status == 200
        assert "Location" not in answer.headers
        assert "Set-Cookie" not in answer.headers

    assert site.scopes == ["category:news"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"},
        {"Referer": "https://mail.example/inbox"},
        {"Cookie": "session=1"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "no-such"},
    ],
)
async def test_no_origin_or_header_is_wrong(site: Site, client, headers: dict[str, str]) -> None:
    """Mail providers post from anywhere; none is turned away (C9, C17)."""
    async with client.post(site.link(), data=ONE_CLICK.encode(), headers=headers) as answer:
        assert answer.status == 200
    assert site.scopes == ["category:news"]


@pytest.mark.parametrize(
    ("body", "via", "scope"),
    [
        (ONE_CLICK, "one-click", "category:news"),
        ("", "one-click", "category:news"),
        ("choice=category&via=page", "page", "category:news"),
        ("choice=marketing&via=page", "page", "marketing"),
        ("choice=profiling&via=page", "page", "profiling"),
        (f"choice=marketing&via=page&{ONE_CLICK}", "one-click", "category:news"),
        ({"choice": "marketing", "via": "page"}, "page", "marketing"),
    ],
)
async def test_the_choice_and_the_way_are_recorded(site: Site, client, body, via: str, scope: str) -> None:
    """The page's own forms choose, in either type of form; RFC 8058's body means what the link means."""
    data = multipart(**body) if isinstance(body, dict) else body

    async with client.post(site.link(), data=data) as answer:
        assert answer.status == 200

    assert [(row.details["via"], row.fact.scope) for row in site.rows] == [(via, scope)]
    assert f'sendright_objections_total{{via="{via}"}} 1.0' in site.metrics.exposition().decode()


CUT_OFF = {
    "short of its length": b"Content-Length: 500\r\n\r\nList-Unsub",
    "in a chunk": b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "waiting to be asked": b"Content-Length: 26\r\nExpect: 100-continue\r\n\r\n",
}


@pytest.mark.parametrize("body", CUT_OFF.values(), ids=CUT_OFF)
async def test_a_body_that_never_comes_still_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """A client that stalls or breaks off in its body has said enough with the link."""
    monkeypatch.setattr(public, "BODY_SECONDS", 0.05)
    path = site.link().removeprefix(site.url).encode()

    answer = await site.raw(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + body)

    assert b" 200 OK\r\n" in answer
    assert site.scopes == ["category:news"]


async def test_a_client_that_hangs_up_is_still_heard(site: Site) -> None:
    """Once the link has arrived, the objection is recorded also if nobody waits for the answer."""
    path = site.link().removeprefix(site.url).encode()
    committed = asyncio.Event()
    append = site.ledger.append

    async def appending(rows, *, again=False):
        done = await append(rows, again=again)
        committed.set()
        return done

    site.ledger.append = appending

    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nList")
    await writer.drain()
    writer.close()

    await asyncio.wait_for(committed.wait(), 10)
    assert site.scopes == ["category:news"]


async def test_fifty_posts_at_once_are_one_objection(site: Site, client) -> None:
    """However many clicks arrive together, one row is recorded, and all are told so."""

    async def click() -> int:
        async with client.post(site.link(), data=ONE_CLICK) as answer:
            await answer.read()
            return answer.status

    assert await asyncio.gather(*(click() for _ in range(50))) == [200] * 50
    assert len(site.rows) == 1
    assert 'sendright_objections_total{via="one-click"} 1.0' in site.metrics.exposition().decode()


async def test_the_answer_says_since_when_and_offers_all_marketing(site: Site, client) -> None:
    """After the category, all marketing is one button away; after that nothing wider is left to offer."""
    async with client.post(site.link(), data=ONE_CLICK) as answer:
        text = await answer.text()
    assert "2026-11-21 18:17" in text
    assert Forms(text).forms == [{"choice": "marketing", "via": "page"}]

    async with client.post(site.link(), data=Forms(text).forms[0]) as answer:
        assert Forms(await answer.text()).forms == []
    assert site.scopes == ["category:news", "marketing"]


async def test_an_old_link_never_undoes_a_newer_consent_silently_nor_gives_one(site: Site, client) -> None:
    """A link only ever objects: after asking again, an old click is a new objection (C11)."""
    async with client.post(site.link(), data=ONE_CLICK):
        pass
    now = site.rows[0].fact.recorded_at
    consent = Consent(id=0, occurred_at=now, recorded_at=now, category="news", proven=True)
    await site.ledger.append([NewEvidence("bakery", PERSON, consent, b"asked again     ")])

    async with client.post(site.link(), data=ONE_CLICK) as answer:
        assert answer.status == 200
    assert site.scopes == ["category:news", "category:news"]


# --- when it cannot be recorded


@pytest.mark.parametrize("body", [ONE_CLICK, "choice=marketing&via=page"])
async def test_a_store_that_is_down_is_not_glossed_over(site: Site, client, body: str) -> None:
    """503 with when to come back and the same choice on a button; that button then works."""
    site.ledger.down = True

    async with client.post(site.link(), data=body) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        (form,) = Forms(await answer.text()).forms
    assert site.rows == []

    site.ledger.down = False
    async with client.post(site.link(), data=form) as answer:
        assert answer.status == 200
    assert site.scopes == ["marketing" if "marketing" in body else "category:news"]


async def test_a_store_that_hangs_is_not_waited_for(
    site: Site, client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that does not come in time is 503, not 200 and not silence."""
    monkeypatch.setattr(public, "ANSWER_SECONDS", 0.05)

    async def hanging(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    site.ledger.append = hanging

    async with client.post(site.link(), data=ONE_CLICK) as answer:
        assert answer.status == 503


async def test_a_fault_of_ours_is_temporary_and_tells_nothing(site: Site, client, capsys) -> None:
    """An unexpected exception is 503; its words and the link reach neither page nor log."""

    async def failing(*_: object, **__: object) -> None:
        raise RuntimeError("kim@example.org is in row 12")

    site.ledger.append = failing

    async with client.post(site.link(), data=ONE_CLICK) as answer:
        assert answer.status == 503
        assert "kim" not in await answer.text()

    said = "".join(capsys.readouterr())
    assert "RuntimeError" in said
    assert "kim" not in said
    assert seal(ON_CONSENT, KEYS) not in said


# --- what the link still means later


async def test_a_link_under_a_retired_key_works(serving, client) -> None:
    """Rotation ends no link that is already in a mailbox (C10)."""
    site: Site = await serving(keys=Keys(KEYS.person, {**KEYS.token, 2: bytes(64)}))

    async with client.post(f"{site.url}/u/{seal(ON_CONSENT, KEYS)}", data=ONE_CLICK) as answer:
        assert answer.status == 200
    assert site.scopes == ["category:news"]


@pytest.mark.parametrize("removed", [{"categories": {}}, {"controllers": {}, "categories": {}}])
async def test_a_link_outlives_its_category_and_controller(serving, client, removed) -> None:
    """Removed from the configuration, both still have a page, and an objection to them is recorded."""
    site: Site = await serving(**removed)

    async with client.get(site.link()) as answer:
        assert answer.status == 200
    async with client.post(site.link(), data=ONE_CLICK) as answer:
        assert answer.status == 200

    assert [(row.controller, row.fact.scope) for row in site.rows] == [("bakery", "category:news")]


@pytest.mark.parametrize("sent", [None, Sent("bakery", PERSON, "news", "consent", "")])
async def test_a_link_works_for_an_erased_person(serving, client, sent: Sent | None) -> None:
    """With the address erased, or the journal's row gone, the objection is recorded without it."""
    site: Site = await serving(sent=sent)

    async with client.post(site.link(), data=ONE_CLICK) as answer:
        assert answer.status == 200

    assert site.scopes == ["category:news"]
    assert "address" not in site.rows[0].details


# --- what is not a link of ours


def forgeries() -> list[str]:
    """Tokens that are not ours: every bit flipped, cut, lengthened, of other keys, and no tokens at all."""
    text = seal(ON_CONSENT, KEYS)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    flipped = [
        text[:place] + alphabet[alphabet.index(text[place]) ^ 1 << bit] + text[place + 1 :]
        for place in range(len(text))
        for bit in range(6)
    ]
    other = seal(ON_CONSENT, Keys(KEYS.person, {1: bytes(64)}))
    return [
        *flipped,
        text[:-1],
        text[1:],
        text + "A",
        text + "=",
        text.swapcase(),
        other,
        "x",
        "%00",
        "é" * 36,
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_forgeries_cannot_be_told_apart(site: Site, client, method: str) -> None:
    """Every forged token gets the same bytes and headers, and records nothing (C10)."""
    answers = set()
    for forged in forgeries():
        async with client.request(method, f"{site.url}/u/{forged}") as answer:
            headers = tuple((name, value) for name, value in answer.headers.items() if name != "Date")
            answers.add((answer.status, headers, await answer.read()))

    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    assert site.rows == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
async def test_other_methods_are_not_for_links(site: Site, client, method: str) -> None:
    """405 for any token, real or forged, in the same words."""
    answers = []
    for url in (site.link(), f"{site.url}/u/forged"):
        async with client.request(method, url) as answer:
            answers.append((answer.status, answer.headers["Allow"], await answer.read()))

    assert answers[0] == answers[1]
    assert answers[0][:2] == (405, "GET,HEAD,POST")
    assert site.rows == []


async def test_no_link_is_ever_logged(site: Site, client, capsys, caplog) -> None:
    """A link is a secret of its reader: no log line at any level has it, whatever is sent to it."""
    caplog.set_level("DEBUG")
    path = site.link().removeprefix(site.url).encode()

    async with client.post(site.link(), data=ONE_CLICK), client.get(site.link()):
        pass
    site.ledger.down = True
    async with client.post(site.link(TO_CUSTOMER), data=ONE_CLICK):
        pass
    await site.raw(b"GET " + path + b" HTTP/9.9 nonsense\r\n\r\n")
    await site.raw(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nbad\x00header: " + path + b"\r\n\r\n")

    said = "".join(capsys.readouterr()) + caplog.text
    assert "StoreUnavailableError" in said
    assert not re.search(rf"{seal(ON_CONSENT, KEYS)}|{seal(TO_CUSTOMER, KEYS)}|/u/", said)
