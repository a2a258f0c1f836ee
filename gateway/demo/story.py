"""What the demonstration tells: who is who, what should happen to each, and the mail that is sent."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Cast:
    """One person of the story, and what the law says of the bakery's newsletter to them."""

    address: str
    who: str
    why: str  # the ground or the reason expected


CAST = (
    Cast("anna@example.org", "ticked the newsletter's box, and confirmed it", "consent"),
    Cast("bram@example.org", "bought bread twice, was offered the way out", "soft-opt-in"),
    Cast("chris@example.org", "bought bread, then objected by phone", "objected"),
    Cast("dewi@example.org", "entered a contest", "not-a-customer"),
    Cast("emma@example.org", "'gets the newsletter since 2024', no proof", "consent-unproven"),
    Cast("farid@example.org", "bought meat, which is not bread", "products-not-similar"),
    Cast("greet@example.org", "bought bread, was never offered the way out", "optout-not-offered"),
    Cast("hugo@example.org", "consented, then withdrew by reply", "consent-withdrawn"),
    Cast("iris@example.org", "is not on record at all", "unknown-person"),
)
SENDER = "bounces@bakkerij-dejong.example"
SENT = ("consent", "soft-opt-in")  # the grounds among the expected outcomes


def text_of(name: str) -> str:
    """A file of the story, as text."""
    return (files("gateway.demo") / name).read_text("utf-8")


def message(name: str) -> bytes:
    """A message of the story as a client sends it, with CRLF line ends."""
    return text_of(name).encode().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
