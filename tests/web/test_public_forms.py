"""The objection form and the sign-up form: what they ask, what they say back, and how often."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from html import escape
from itertools import product
from typing import Any

import aiohttp
import pytest

from gateway.texts import LANGUAGES
from gateway.web.asking import MOST
from tests.salon import CONFIG, NAME, Visitor

PLACES = ["/objection", "/objection/salon", "/objection/shop", "/subscribe/tips"]
SHOWN_NAME = escape(NAME)


@pytest.fixture
async def open_visitor(open_house: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """Opens a house with the salon in it, for somebody at a browser."""
    async with aiohttp.ClientSession() as session:

        async def open_one(extra: str = CONFIG, **settings: object) -> Visitor:
            return Visitor(await open_house(extra=extra, **settings), session)

        yield open_one


@pytest.fixture
async def visitor(open_visitor: Callable[..., Any]) -> Visitor:
    """The ordinary one."""
    return await open_visitor()  # type: ignore[no-any-return]


# --- looking


async def test_every_form_stands_by_itself(visitor: Visitor) -> None:
    """In each language: no script, nothing fetched, one h1, small, every name shown as text."""
    for language, place in product(LANGUAGES, PLACES):
        page = await visitor.get(place, headers={"Accept-Language": language})

        assert page.status == 200
        assert page.text.startswith(f'<!doctype html>\n<html lang="{language}">')
        assert page.text.count("<h1>") == 1
        assert not re.search(r"<script|<img|<link|<b>|<i>|\son\w+=|\ssrc=|\sstyle=", page.text)
        assert "{" not in re.sub(r"<style>.*</style>", "", page.text, flags=re.DOTALL).replace("{Co}", "")
        assert len(page.text.encode()) < 14_600
        assert "Set-Cookie" not in page.headers


async def test_looking_changes_nothing(visitor: Visitor) -> None:
    """However it is asked, with whatever query: no letter, no row."""
    for place in PLACES:
        async with visitor.session.head(visitor.house.url + place) as answer:
            assert answer.status == 200
        await visitor.get(f"{place}?address=anna@example.org&topic=tips")
    await visitor.house.close()

    assert visitor.house.smarthost.messages == []


async def test_only_those_who_chose_to_be_are_listed(visitor: Visitor) -> None:
    """The list names them, as text; the form of any other works by its address."""
    page = await visitor.get("/objection")

    assert re.findall(r'<a href="([^"]*)">([^<]*)</a>', page.text) == [("/objection/salon", SHOWN_NAME)]
    assert (await visitor.get("/objection/shop")).status == 200


async def test_a_list_of_nobody_says_what_else_to_do(open_visitor: Callable[..., Any]) -> None:
    """Where none is listed there is no empty page."""
    page = await (await open_visitor(CONFIG.replace("listed = true", ""))).get("/objection")

    assert "reply to it" in page.text
    assert "<nav>" not in page.text


NOWHERE = [
    *("/", "/objection/nobody", "/objection/", "/subscribe", "/unknown"),
    *("/subscribe/nothing", "/subscribe/events", "/subscribe/newsletter", "/subscribe/invoice"),
]


async def test_what_is_not_there_is_not_found(visitor: Visitor) -> None:
    """Unknown controllers and categories, and categories that one cannot sign up to: 404, all alike."""
    nowhere = await visitor.get("/nowhere")
    for place in NOWHERE:
        for page in (await visitor.get(place), await visitor.post(place, ("address", "anna@example.org"))):
            assert (page.status, page.text) == (404, nowhere.text), place


DEAD = ["/u/forged", "/p/forged", "/undo/forged", "/confirm/forged", "/u/", "/confirm/", "/undo"]


async def test_only_dead_links_of_a_mail_speak_of_it(visitor: Visitor) -> None:
    """Whoever opens one is sent back to the mail, whatever the link; who mistypes an address is not."""
    dead = [await visitor.post(place) for place in DEAD] + [await visitor.get("/u/forged")]
    assert {page.status for page in dead} == {404}
    assert len({page.text for page in dead}) == 1
    assert "Open the whole link from the message" in dead[0].text
    assert "message" not in (await visitor.get("/nowhere")).text


async def test_without_a_mailbox_nobody_signs_up(open_visitor: Callable[..., Any]) -> None:
    """A controller that cannot write has no sign-up form, since nothing could be confirmed."""
    visitor = await open_visitor(CONFIG.replace('mail_from = "salon@shop.example"', ""))

    assert (await visitor.get("/subscribe/tips")).status == 404


async def test_each_topic_has_its_own_unticked_box(visitor: Visitor) -> None:
    """This category first, then the controller's others of that kind; the label is the exact wording."""
    page = await visitor.get("/subscribe/deals")

    labels = re.findall(r'<label><input[^>]* value="(\w+)"[^>]*> <span>([^<]*)</span></label>', page.text)
    assert labels == [
        (
            "deals",
            f"Yes, {SHOWN_NAME} may send me &lt;i&gt;acties&lt;/i&gt; by e-mail. "
            "I can withdraw this at any time.",
        ),
        ("tips", f"Yes, {SHOWN_NAME} may send me haartips by e-mail. I can withdraw this at any time."),
    ]
    assert page.form.ticked == []
    assert set(page.form.fields) == {"topic deals", "topic tips", "address"}  # L23


# --- sending


WRONG = ["", "anna", "anna@", "a@@example.org", "a b@example.org", '"><script>@', "x" * 400, "a\0@b.example"]


@pytest.mark.parametrize("place", PLACES[1:])
async def test_a_bad_address_is_asked_for_again(visitor: Visitor, place: str) -> None:
    """The form, a clear sentence tied to its field, and what was typed and ticked still there, as text."""
    for typed in WRONG:
        page = await visitor.post(place, ("address", typed), ("topic", "tips"))

        field = page.form.fields["address"]
        assert page.status == 422
        assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "address-fault")
        assert re.search(r'role="alert"><p id="address-fault">This is not a whole e-mail', page.text)
        assert page.form.count == 1
        assert "<script" not in page.text
        assert page.form.typed == typed[:320].replace("\0", "\ufffd")
        assert page.form.ticked == (["tips"] if place == "/subscribe/tips" else [])


async def test_nothing_ticked_is_asked_again(visitor: Visitor) -> None:
    """Also where only what is not on the form was named: nobody signs up by a made-up box (L1)."""
    for topics in ([], ["events"], ["newsletter"], ["nothing", "all", ""]):
        page = await visitor.sign_up(*topics)

        assert page.status == 422
        assert "Tick at least one box" in page.text
        assert page.form.typed == "anna@example.org"
        assert "aria-invalid" not in page.form.fields["address"]
    await visitor.house.close()
    assert visitor.house.smarthost.messages == []


async def test_the_answer_is_the_same_whoever_it_is(visitor: Visitor) -> None:
    """Signed up already, or never heard of."""
    await visitor.sign_up("tips")
    await visitor.post(await visitor.letter())

    assert (await visitor.sign_up("tips")).text == (
        await visitor.sign_up("tips", address="b@example.org")
    ).text


async def test_letters_to_one_address_are_bounded(visitor: Visitor) -> None:
    """The fourth sign-up in an hour is told to come back; an hour later it may."""
    statuses = [(await visitor.sign_up("tips")).status for _ in range(4)]
    visitor.house.clock.move(timedelta(hours=1))
    later = await visitor.sign_up("tips")

    assert (statuses, later.status) == ([200, 200, 200, 429], 200)


@pytest.mark.parametrize("place", PLACES[1:])
async def test_one_peer_may_send_so_many_forms(visitor: Visitor, place: str) -> None:
    """Then it waits out the hour, and is told how else to object; looking goes on."""
    fields = [("topic", "tips")]
    statuses = [
        (await visitor.post(place, ("address", f"p{number}@example.org"), *fields)).status
        for number in range(MOST)
    ]
    over = await visitor.post(place, ("address", "one-more@example.org"), *fields)
    looking = await visitor.get(place)
    visitor.house.clock.move(timedelta(hours=1))
    later = await visitor.post(place, ("address", "later@example.org"), *fields)

    assert set(statuses) == {200}
    assert (over.status, looking.status, later.status) == (429, 200, 200)
    assert "mailto:" in over.text
    assert int(over.headers["Retry-After"]) > 3000


@pytest.mark.parametrize(("pages", "status"), [('trusted_proxies = ["127.0.0.1/32"]', 200), ("", 429)])
async def test_behind_a_trusted_proxy_each_client_is_a_peer(
    open_visitor: Callable[..., Any], pages: str, status: int
) -> None:
    """The one that the proxy names; who is no proxy of ours cannot name another."""
    visitor = await open_visitor(pages=pages)
    for number in range(MOST + 1):
        fields, headers = ("address", "anna@example.org"), {"X-Forwarded-For": f"198.51.100.{number}"}
        last = await visitor.post("/objection/shop", fields, headers=headers)

    assert last.status == status


NO_FORMS = [
    (b"{}", "application/json", 415),
    (b"\xff\xfe=\0&&&", "application/x-www-form-urlencoded", 422),
    (b"a=b&" * 1000, "application/x-www-form-urlencoded", 400),
    (b"", "text/plain", 415),
]


async def test_what_is_no_form_is_refused(visitor: Visitor) -> None:
    """A page, never a fault of ours, and nothing is sent or recorded."""
    for place, (body, kind, status) in product(PLACES[1:], NO_FORMS):
        page = await visitor.post(place, data=body, headers={"Content-Type": kind})
        assert page.status == status


async def test_no_address_is_logged(visitor: Visitor, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither what was typed nor the token of a link stands in any line (L26)."""
    await visitor.sign_up("tips")
    link = await visitor.letter()
    await visitor.post(link)
    await visitor.post("/objection/salon", ("address", "anna@example.org"))
    await visitor.post("/objection/salon", ("address", "anna@@example.org"))
    await visitor.house.close()

    logged = capsys.readouterr().out
    assert "confirmation.sent" in logged
    assert "anna" not in logged
    assert link.rpartition("/")[2] not in logged
