"""Every page there is, and the way to it: each is looked at by test_every_page.py and by the axe.

A place is a function that leaves a window showing its page; its name is that of its screenshots.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeAlias

from playwright.async_api import Page

from tests.browser.bakery import PASSWORD, consent, subscriber
from tests.browser.conftest import press
from tests.house import House
from tests.salon import link_in

Way: TypeAlias = Callable[[House, Page, str], Awaitable[None]]  # the last is a person nobody has heard of

PUBLIC: dict[str, Way] = {}
ADMIN: dict[str, Way] = {}
STATUS = {
    "not-found": 404,
    "objection-misspelt": 422,
    "sign-up-unticked": 422,
    "store-down": 503,
    "admin-not-found": 404,
    "sign-in-refused": 403,
    "campaigns-to-choose": 422,
    "withheld-misasked": 422,
    "people-no-address": 422,
    "person-correct-faults": 422,
}  # the others: 200


def public(way: Way) -> Way:
    """A page that anybody or the holder of a link may see."""
    PUBLIC[way.__name__.replace("_", "-")] = way
    return way


def admin(way: Way) -> Way:
    """A page of operators; the window is that of an administrator."""
    ADMIN[way.__name__.replace("_", "-")] = way
    return way


@public
async def unsubscribe(house: House, window: Page, person: str) -> None:
    """Behind the link of a mail on consent."""
    await window.goto(await subscriber(house, person))


@public
async def unsubscribe_from_everything(house: House, window: Page, person: str) -> None:
    """The same link, by its other choice."""
    await window.goto(await subscriber(house, person) + "?choice=marketing")


@public
async def unsubscribed(house: House, window: Page, person: str) -> None:
    """After the button."""
    await unsubscribe(house, window, person)
    await main_button(window)


@public
async def undone(house: House, window: Page, person: str) -> None:
    """The way back, in time."""
    await unsubscribed(house, window, person)
    house.clock.move(timedelta(seconds=5))
    await press(window.locator("form[action*=undo] button"))


@public
async def undone_too_late(house: House, window: Page, person: str) -> None:
    """The way back, when it is closed."""
    await unsubscribed(house, window, person)
    house.clock.move(timedelta(minutes=16))
    await press(window.locator("form[action*=undo] button"))


@public
async def preferences(house: House, window: Page, person: str) -> None:
    """What one gets, and why."""
    await window.goto((await subscriber(house, person)).replace("/u/", "/p/"))


@public
async def preferences_stopped(house: House, window: Page, person: str) -> None:
    """After the first of its buttons."""
    await preferences(house, window, person)
    await press(window.locator("main button").first)


@public
async def preferences_mailed(house: House, window: Page, person: str) -> None:
    """After asking for something more."""
    await preferences(house, window, person)
    await press(window.locator("form:has([name=start]) button").first)


@public
async def objection_senders(house: House, window: Page, person: str) -> None:
    """To whom somebody without a mail at hand may object."""
    await window.goto(f"{house.url}/objection")


@public
async def objection(house: House, window: Page, person: str) -> None:
    """The form for one of them."""
    await objection_senders(house, window, person)
    await press(window.get_by_role("link", name="Bakkerij De Jong"))


@public
async def objection_misspelt(house: House, window: Page, person: str) -> None:
    """What was typed is no address."""
    await objection(house, window, person)
    await window.get_by_role("textbox").fill("kim at example.org")
    await main_button(window)


@public
async def objection_mailed(house: House, window: Page, person: str) -> None:
    """A mail is on its way, if the address is known."""
    await objection(house, window, person)
    await window.get_by_role("textbox").fill(person)
    await main_button(window)


@public
async def objection_asked(house: House, window: Page, person: str) -> None:
    """Behind the link of that mail."""
    await house.record(consent(person))
    await window.goto(await letter(house, objection_mailed(house, window, person)))


@public
async def objection_confirmed(house: House, window: Page, person: str) -> None:
    """After its button."""
    await objection_asked(house, window, person)
    await main_button(window)


@public
async def sign_up(house: House, window: Page, person: str) -> None:
    """A box for each topic, none of them ticked."""
    await window.goto(f"{house.url}/subscribe/workshops")


@public
async def sign_up_unticked(house: House, window: Page, person: str) -> None:
    """Sent without a tick."""
    await sign_up(house, window, person)
    await window.get_by_role("textbox").fill(person)
    await main_button(window)


@public
async def sign_up_mailed(house: House, window: Page, person: str) -> None:
    """Sent with one."""
    await sign_up(house, window, person)
    await window.get_by_role("checkbox").first.check()
    await window.get_by_role("textbox").fill(person)
    await main_button(window)


@public
async def sign_up_asked(house: House, window: Page, person: str) -> None:
    """Behind the link of the mail, with the words again."""
    await window.goto(await letter(house, sign_up_mailed(house, window, person)))


@public
async def sign_up_confirmed(house: House, window: Page, person: str) -> None:
    """After its button."""
    await sign_up_asked(house, window, person)
    await main_button(window)


@public
async def not_found(house: House, window: Page, person: str) -> None:
    """A link that was cut."""
    await window.goto(f"{house.url}/u/AWp65pCFWgGJ2kFIWyL2")


@public
async def store_down(house: House, window: Page, person: str) -> None:
    """The button, at a moment at which nothing can be recorded."""
    await unsubscribe(house, window, person)
    with no_store(house):
        await main_button(window)


async def letter(house: House, asking: Awaitable[None]) -> str:
    """The link in the letter that is sent for what is asked."""
    before = len(house.smarthost.messages)
    await asking
    return link_in((await house.smarthost.arrived(before + 1))[-1])


async def main_button(window: Page) -> None:
    """Press the one button of the page that stands out."""
    await press(window.locator("main button:not(.other)").first)


@contextmanager
def no_store(house: House) -> Iterator[None]:
    """While the block runs, the store's file is not there."""
    file = house.config.gateway.state_dir / "sendright.db"
    away = file.rename(file.with_name("away.db"))
    try:
        yield
    finally:
        away.rename(file)


@admin
async def overview(house: House, window: Page, person: str) -> None:
    """What an operator sees first."""
    await window.goto(f"{house.url}/admin")


@admin
async def audit(house: House, window: Page, person: str) -> None:
    """What operators did."""
    await window.goto(f"{house.url}/admin/audit")


@admin
async def admin_not_found(house: House, window: Page, person: str) -> None:
    """A page there is not."""
    await window.goto(f"{house.url}/admin/nothing")


@admin
async def sign_in(house: House, window: Page, person: str) -> None:
    """The way in."""
    await window.context.clear_cookies()
    await window.goto(f"{house.url}/admin")


@admin
async def sign_in_refused(house: House, window: Page, person: str) -> None:
    """The way in, after a wrong password."""
    await sign_in(house, window, person)
    await window.get_by_label("Name").fill("Olga")
    await window.get_by_label("Password").fill("not hers")
    await main_button(window)


@admin
async def withheld(house: House, window: Page, person: str) -> None:
    """What was not sent."""
    await window.goto(f"{house.url}/admin/withheld")


@admin
async def withheld_nothing(house: House, window: Page, person: str) -> None:
    """What no mail answers to."""
    await window.goto(f"{house.url}/admin/withheld?campaign=nobody")


@admin
async def withheld_misasked(house: House, window: Page, person: str) -> None:
    """What cannot be looked for."""
    await window.goto(f"{house.url}/admin/withheld?since=yesterday")


@admin
async def withheld_one(house: House, window: Page, person: str) -> None:
    """One of them: why, on what it rests, and what would make it lawful."""
    await window.goto(f"{house.url}/admin/withheld?reason=consent-unproven")
    await press(window.locator("tbody a").first)


@admin
async def withheld_live(house: House, window: Page, person: str) -> None:
    """A page that does not end for a while."""
    await window.goto(f"{house.url}/admin/withheld/live?reason=objected", wait_until="commit")
    await window.get_by_role("table").wait_for(state="attached")


@admin
async def campaigns(house: House, window: Page, person: str) -> None:
    """What came of each."""
    await window.goto(f"{house.url}/admin/campaigns")


@admin
async def campaigns_compared(house: House, window: Page, person: str) -> None:
    """Two of them, side by side."""
    await campaigns(house, window, person)
    await press(window.get_by_role("button", name="Compare the two"))


@admin
async def campaigns_to_choose(house: House, window: Page, person: str) -> None:
    """None was chosen."""
    await window.goto(f"{house.url}/admin/campaigns/compare")


@admin
async def people(house: House, window: Page, person: str) -> None:
    """Whom an officer wants to see."""
    await window.goto(f"{house.url}/admin/people")


@admin
async def people_no_address(house: House, window: Page, person: str) -> None:
    """What was typed is no address."""
    await look_up(house, window, "bram at example.org")


@admin
async def person_dossier(house: House, window: Page, person: str) -> None:
    """All that is held on somebody with a history, and what can be done."""
    await look_up(house, window, "bram@example.org")


@admin
async def person_unknown(house: House, window: Page, person: str) -> None:
    """Nothing is held."""
    await look_up(house, window, person)


@admin
async def person_objected(house: House, window: Page, person: str) -> None:
    """An objection was just recorded."""
    await look_up(house, window, person)
    await press(window.get_by_role("button", name="Record the objection"))


@admin
async def person_correct(house: House, window: Page, person: str) -> None:
    """A row, to be corrected."""
    await look_up(house, window, "anna@example.org")
    await press(window.get_by_role("button", name="Correct it").first)


@admin
async def person_correct_faults(house: House, window: Page, person: str) -> None:
    """The same, with what is wrong beside its fields."""
    await person_correct(house, window, person)
    await window.get_by_label("Occurred at").fill("last week")
    await window.get_by_label("Channels").fill("fax")
    await main_button(window)


@admin
async def person_erase(house: House, window: Page, person: str) -> None:
    """What an erasure would take, and what stays."""
    await look_up(house, window, "chris@example.org")
    await press(window.get_by_role("button", name="Look at what would be erased"))


@admin
async def person_erased(house: House, window: Page, person: str) -> None:
    """It was done."""
    await house.record(consent(person))
    await look_up(house, window, person)
    await press(window.get_by_role("button", name="Look at what would be erased"))
    await window.get_by_label("Type the address again").fill(person)
    await main_button(window)


@admin
async def dossier_file(house: House, window: Page, person: str) -> None:
    """The dossier as a file, opened without a gateway."""
    await look_up(house, window, "bram@example.org")
    async with window.expect_download() as download:
        await window.get_by_role("button", name="As a page").click()
    file = house.config.gateway.state_dir / "dossier.html"
    await (await download.value).save_as(file)
    await window.goto(file.as_uri())


@admin
async def configuration(house: House, window: Page, person: str) -> None:
    """What is configured, and what it decides on a customer."""
    await window.goto(f"{house.url}/admin/configuration?person=customer")


async def look_up(house: House, window: Page, address: str) -> None:
    """Fill in the form, as an officer does."""
    await people(house, window, address)
    await window.get_by_label("E-mail address").fill(address)
    await main_button(window)


@admin
async def operators(house: House, window: Page, person: str) -> None:
    """Who may sign in."""
    await window.goto(f"{house.url}/admin/operators")


@admin
async def operator_added(house: House, window: Page, person: str) -> None:
    """Somebody new."""
    await operators(house, window, person)
    await window.get_by_label("Name", exact=True).fill("Bo")
    await press(window.get_by_role("button", name="Add"))


@admin
async def account(house: House, window: Page, person: str) -> None:
    """One's own."""
    await window.goto(f"{house.url}/admin/account")


@admin
async def second_factor(house: House, window: Page, person: str) -> None:
    """A secret for one's phone."""
    await account(house, window, person)
    await window.get_by_label("Present password").last.fill(PASSWORD)
    await press(window.get_by_role("button", name="Set up a second factor"))
