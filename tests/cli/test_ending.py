"""`erase` and `retention`, as an operator uses them (contract section 2)."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.conftest import BUTCHER, Shop

TERMS = """
[retention.purchase]
keep_at_least_days = 2555
keep_at_most_days = 36500
reason = "tax law"
[retention.contact]
keep_at_least_days = 0
keep_at_most_days = 365
reason = "no need"
"""
ROWS = """\
email,kind,product_group,what,occurred_at,source
anna@example.org,purchase,bread,,2026-03-01T09:30:00+01:00,till
bram@example.org,contact,,contest,2016-03-01T09:30:00+01:00,fair
"""


def test_a_person_is_erased_once_for_every_controller(shop_with: Callable[[str], Shop]) -> None:
    """Without --controller everywhere, with it there alone; the file is rejected when it comes in again."""
    shop = shop_with(BUTCHER)
    rows = shop.file("rows.csv", ROWS)
    assert shop.run("import", rows, "--controller", "shop").code == 0
    done = shop.run("erase", "anna@example.org", "--operator", "olga", "--json")
    assert done.code == 0
    assert [(one["controller"], one["erased"]["evidence"]) for one in done.json] == [
        ("shop", 1),
        ("butcher", 0),
    ]
    assert all(one["complete"] for one in done.json)
    again = shop.run("import", rows, "--controller", "shop", "--dry-run", "--json")
    assert (again.json["unchanged"], again.json["rejected"]) == (1, 1)
    again = shop.run("import", rows, "--controller", "shop")
    assert again.code == 1
    assert "line 2: older than the erasure of this person" in again.err
    octets = b"".join(path.read_bytes() for path in (shop.folder / "state").iterdir())
    assert b"anna@" not in octets
    assert b"bram@" in octets
    assert shop.run("verify").code == 0


def test_what_a_term_keeps_is_told(shop_with: Callable[[str], Shop]) -> None:
    """The answer says what is kept, until when, and why."""
    shop = shop_with(TERMS)
    shop.run("import", shop.file("rows.csv", ROWS))
    done = shop.run("erase", "anna@example.org", "--operator", "olga")
    assert done.code == 0
    assert "(purchase) keeps source until 2033-02-27: tax law" in done.out


def test_who_does_it_must_be_said(shop: Shop) -> None:
    """An erasure without an operator is wrong usage, and nothing is erased; so is an unknown controller."""
    assert shop.run("erase", "anna@example.org", "--operator", " ").code == 2
    assert shop.run("erase", "anna@example.org").code == 2
    assert shop.run("erase", "anna@example.org", "--operator", "o", "--controller", "baker").code == 2
    assert shop.run("erase", "anna", "--operator", "o").code == 2


def test_the_plan_then_its_end(shop_with: Callable[[str], Shop]) -> None:
    """`plan` says what goes, what must stay and why, and changes nothing; `apply` does it; a second has
    nothing to do."""
    shop = shop_with(TERMS)
    shop.run("import", shop.file("rows.csv", ROWS))
    for command in ("plan", "apply"):
        done = shop.run("retention", command, "--json")
        assert done.code == 0
        classes = {one["class"]: one for one in done.json["classes"]}
        assert (classes["contact"]["goes"], classes["contact"]["oldest"][:10]) == (1, "2016-03-01")
        assert (classes["purchase"]["goes"], classes["purchase"]["must_stay"]) == (0, 1)
        assert classes["purchase"]["reason"] == "tax law"
        assert classes["journal"]["reason"] is None
    told = shop.run("retention", "plan").out
    assert "2555 to 36500 days: tax law" in told
    assert "no term is configured: all stays" in told
    assert not any(one["goes"] for one in shop.run("retention", "plan", "--json").json["classes"])
    octets = b"".join(path.read_bytes() for path in (shop.folder / "state").iterdir())
    assert b"bram@" not in octets
    assert shop.run("verify").code == 0
