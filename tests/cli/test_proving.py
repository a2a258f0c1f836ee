"""sendright verify, and decide --at under the configuration of that time."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from gateway.config import load
from gateway.keys import load as keys_of
from gateway.opening import rooms
from gateway.store.seals import public_key_of
from tests.cli.conftest import Shop


def serve_once(shop: Shop) -> str:
    """As when the gateway was started and ended: its configuration is on record; a moment just after."""

    async def start() -> None:
        async with rooms(load(shop.config, {}), serving=True):
            pass

    asyncio.run(start())
    return datetime.now(UTC).isoformat()


def tampered(shop: Shop) -> int:
    """A row of evidence altered by hand; its id."""
    with closing(sqlite3.connect(shop.folder / "state" / "sendright.db")) as store:
        store.execute("DROP TRIGGER ledger_no_update")
        (number,) = store.execute("SELECT max(id) FROM ledger").fetchone()
        store.execute("UPDATE ledger SET kind = 'contact' WHERE id = ?", (number,))
        store.commit()
    return int(number)


def test_a_whole_store_is_exit_code_0_with_its_public_key(stocked: Shop) -> None:
    """What was looked at is counted, and the key is printed by which seals can be checked elsewhere."""
    serve_once(stocked)
    ran = stocked.run("verify", "--json", "--replay")
    key = public_key_of(keys_of(stocked.folder / "state" / "keys.json").seed("seal"))

    assert ran.code == 0
    assert ran.json["whole"] is True
    assert ran.json["faults"] == []
    assert (ran.json["rows"]["ledger"], ran.json["rows"]["in_force"]) == (3, 1)
    assert ran.json["seals"] == 2
    assert ran.json["key"] == key.hex()
    assert ran.json["replayed"] == {"same": 0, "different": 0, "not replayable": 0}
    assert stocked.run("verify").out.startswith("whole and unaltered\n")


def test_an_altered_row_is_exit_code_1_and_named(stocked: Shop) -> None:
    """Table, id and what is wrong, a line for each fault; the same as JSON."""
    number = tampered(stocked)
    ran, as_json = stocked.run("verify"), stocked.run("verify", "--json")

    assert (ran.code, as_json.code) == (1, 1)
    assert ran.out.startswith(f"ledger {number}: altered")
    assert "NOT whole" in ran.out
    assert [(one["table"], one["id"]) for one in as_json.json["faults"]] == [("ledger", str(number))]
    assert (as_json.json["whole"], as_json.json["fault_count"]) == (False, 1)


def test_since_takes_a_time(stocked: Shop) -> None:
    """What is older than --since is not looked at."""
    tampered(stocked)

    assert stocked.run("verify", "--since", "2100-01-01").code == 0
    assert stocked.run("verify", "--since", "1h").code == 1
    assert stocked.run("verify", "--since", "soon").code == 2


def test_without_a_store_it_is_exit_code_3(shop: Shop) -> None:
    """Where nothing was ever recorded there is nothing to verify, and none is made."""
    ran = shop.run("verify")

    assert (ran.code, ran.out, shop.state) == (3, "", [])


def test_a_store_that_is_no_database_is_exit_code_3(stocked: Shop) -> None:
    """What cannot be read at all is a part that is down."""
    (stocked.folder / "state" / "sendright.db").write_bytes(b"no database" * 1000)

    assert stocked.run("verify").code == 3


# --- decide --at


def test_decide_at_a_time_is_by_the_configuration_of_that_time(stocked: Shop) -> None:
    """A category that has since been given up, and rules that have since changed, are as they were."""
    before = serve_once(stocked)
    config = stocked.config.read_text()
    stocked.file(
        "gateway.toml",
        config.replace('id = "newsletter"', 'id = "weekly"').replace('"newsletter"', '"weekly"'),
    )
    after = serve_once(stocked)
    then = stocked.run("decide", "anna@example.org", "--category", "newsletter", "--json", "--at", before)
    weekly = stocked.run("decide", "anna@example.org", "--category", "weekly", "--json", "--at", after)

    assert (then.code, then.json["ground"], then.err) == (0, "consent", "")
    assert (weekly.code, weekly.json["reason"], weekly.err) == (1, "consent-other-category", "")
    assert stocked.run("decide", "anna@example.org", "--category", "newsletter", "--at", after).code == 2


def test_decide_at_a_time_without_a_configuration_says_so(stocked: Shop) -> None:
    """Where none is on record for that time, today's is used, with a warning."""
    now = datetime.now(UTC).isoformat()
    ran = stocked.run("decide", "anna@example.org", "--category", "newsletter", "--json", "--at", now)

    assert (ran.code, ran.json["ground"]) == (0, "consent")
    assert "no configuration is on record" in ran.err


@pytest.mark.parametrize("at", [(), ("--at", "2026-05-01")], ids=["now", "then"])
def test_a_category_that_there_is_not_is_exit_code_2(stocked: Shop, at: tuple[str, ...]) -> None:
    """Named, with those there are."""
    ran = stocked.run("decide", "anna@example.org", "--category", "nothing", *at)

    assert (ran.code, ran.out) == (2, "")
    assert "there is invoice, newsletter" in ran.err
