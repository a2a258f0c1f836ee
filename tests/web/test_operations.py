"""Probes and figures, for those who run it."""

from __future__ import annotations

import asyncio

from aiohttp.test_utils import make_mocked_request
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import Metrics
from gateway.web.operations import Operations
from tests.web.conftest import Site


async def test_healthz_is_about_the_process_alone(site: Site, client) -> None:
    """The process is healthy although a part it needs is not: restarting it would not help."""
    site.faults["store"] = "locked"

    async with client.get(f"{site.url}/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_readyz_names_each_part(site: Site, client) -> None:
    """All parts well is 200; one at fault is 503, and says which and what."""
    async with client.get(f"{site.url}/readyz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ok", "store": "ok", "smarthost": "ok", "key": "ok"}

    site.faults["smarthost"] = "does not answer"
    async with client.get(f"{site.url}/readyz") as answer:
        assert answer.status == 503
        assert await answer.json() == {
            "status": "fault",
            "store": "ok",
            "smarthost": "does not answer",
            "key": "ok",
        }


async def test_a_probe_that_breaks_is_a_fault(site: Site, client) -> None:
    """An exception in a probe is a fault of its part, told without its words."""
    del site.faults["store"]

    async with client.get(f"{site.url}/readyz") as answer:
        assert answer.status == 503
        assert (await answer.json())["store"] == "fault"


async def test_many_asks_at_once_are_one_look() -> None:
    """Asking for readiness from outside cannot be made to open many connections inside."""
    looks: list[asyncio.Event] = []

    async def probe() -> str:
        looks.append(asyncio.Event())
        await looks[-1].wait()
        return ""

    operations = Operations({"smarthost": probe}, Metrics())
    request = make_mocked_request("GET", "/readyz")
    asks = [asyncio.create_task(operations.readyz(request)) for _ in range(20)]
    while not looks:  # noqa: ASYNC110 -- one turn of the loop, until the probe has begun
        await asyncio.sleep(0)
    looks[0].set()

    assert [answer.status for answer in await asyncio.gather(*asks)] == [200] * 20
    assert len(looks) == 1


async def test_robots_stay_away_from_links(site: Site, client) -> None:
    """Crawlers are told to leave links alone."""
    async with client.get(f"{site.url}/robots.txt") as answer:
        assert (await answer.text()).splitlines() == ["User-agent: *", "Disallow: /u/", "Disallow: /p/"]


async def test_the_public_listener_can_be_kept_to_the_public(serving, client) -> None:
    """With a listener of its own for them, figures and probes of parts are not on the public one."""
    site: Site = await serving(admin=False)

    for path, status in {"/metrics": 404, "/readyz": 404, "/healthz": 200, "/robots.txt": 200}.items():
        async with client.get(site.url + path) as answer:
            assert answer.status == status
    async with client.get(site.link()) as answer:
        assert answer.status == 200


async def test_metrics_are_prometheus_and_name_nobody(site: Site, client) -> None:
    """Every figure parses, has our prefix, and no label holds an address or a link."""
    site.metrics.message("done")
    site.metrics.decided("withhold", "objected")
    site.metrics.fate("relayed")
    with site.metrics.connected(), site.metrics.deciding(), site.metrics.relaying():
        async with client.post(site.link()):
            pass
        async with client.get(f"{site.url}/metrics") as answer:
            families = list(text_string_to_metric_families(await answer.text()))

    samples = {
        (each.name, *each.labels.values()): each.value for family in families for each in family.samples
    }
    assert all(family.name.startswith("sendright_") for family in families)
    assert samples["sendright_messages_total", "done"] == 1
    assert samples["sendright_recipients_total", "withhold", "objected"] == 1
    assert samples["sendright_fates_total", "relayed"] == 1
    assert samples["sendright_objections_total", "one-click"] == 1
    assert samples["sendright_connections",] == 1
    labels = {label for key in samples for label in key[1:]}
    assert not any("@" in label or "/" in label or len(label) > 20 for label in labels)


def test_two_workers_in_one_process_do_not_share_figures() -> None:
    """Figures have a registry of their own: nothing is global."""
    one, other = Metrics(), Metrics()

    one.message("done")

    assert b'result="done"' not in other.exposition()
