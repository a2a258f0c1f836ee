"""What decisions rest on can be kept as data, and read back exactly."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.law.category import Category, Controller
from gateway.law.packs import PACKS, Pack
from gateway.law.record import Law, from_plain, to_plain

words = st.text(max_size=5)
sets = st.frozensets(words, max_size=3)
controllers = st.builds(
    Controller,
    id=words,
    name=words,
    pack=st.sampled_from(list(PACKS.values())),
    postal_address=words,
    privacy_policy_url=words,
    privacy_policy_mentions_marketing=st.booleans(),
    contact=words,
    officer=words,
    language=words,
    impersonal_addresses=st.booleans(),
)
categories = st.builds(
    Category,
    id=words,
    controller=words,
    title=words,
    purpose=st.sampled_from(["marketing", "service"]),
    ground=words,
    formerly=sets,
    product_groups=sets,
    advertiser=words,
    personalised=st.booleans(),
    profiled=st.booleans(),
    customers=st.sampled_from(["any", "recurring"]),
    one_off_max_age_days=st.none() | st.integers(0, 9999),
    double_opt_in=st.booleans(),
    post_use_compatible=st.booleans(),
    channels=sets,
)


def kept(law: Law) -> Law:
    """The law after it went through JSON."""
    return from_plain(json.loads(json.dumps(to_plain(law))))


@given(st.lists(controllers), st.lists(categories))
def test_what_is_read_back_is_what_was_kept(some: list[Controller], more: list[Category]) -> None:
    """Any controllers and categories come back equal, whatever their fields hold."""
    law = Law({one.id: one for one in some}, {one.id: one for one in more})
    assert kept(law) == law


@pytest.mark.parametrize("pack", PACKS.values(), ids=lambda pack: pack.id)
def test_a_pack_is_kept_whole(pack: Pack) -> None:
    """Every parameter and article of a pack is kept, not its name alone."""
    law = Law({"shop": Controller(id="shop", name="Shop", pack=pack)}, {})
    (plain,) = to_plain(law)["packs"]
    assert plain.keys() == {field.name for field in fields(Pack)}
    assert kept(law).controllers["shop"].pack == pack


def test_the_same_law_is_the_same_data() -> None:
    """The order in which a configuration names things makes no other law of it."""
    one, other = (Category(id=name, controller="shop", title="", purpose="marketing") for name in "ab")
    assert to_plain(Law({}, {"a": one, "b": other})) == to_plain(Law({}, {"b": other, "a": one}))


def test_known_categories_hold_former_ids_of_this_controller_alone() -> None:
    """An id that a category of this controller has or had is known; another controller's is not (I8)."""
    news = Category(
        id="news", controller="shop", title="", purpose="marketing", formerly=frozenset({"letter"})
    )
    meat = Category(id="meat", controller="butcher", title="", purpose="marketing")
    assert Law({}, {"news": news, "meat": meat}).known_categories("shop") == {"news", "letter"}
