"""Promise: whatever fails in here is 451 and nothing sent; the client learns nothing of our insides (I4)."""

from __future__ import annotations

import pytest

from gateway.mail.signature import Covered, Signer, SigningError
from tests.house import ANNA, House

INSIDES = "/etc/sendright/shop.pem: the dog ate the key of anna@example.org"
PLACES = {
    "the key cannot be used": "gateway.mail.signature.Signer.sign_parts",
    "the notice cannot be made": "gateway.copies.Notice",
    "the link cannot be sealed": "gateway.copies.seal",
    "the copy cannot be rewritten": "gateway.mail.rewrite.Form.copy",
    "the message cannot be prepared": "gateway.copies.prepare",
    "the message cannot be read": "gateway.mailing.Message.parse",
    "the category cannot be found": "gateway.mailing.classify",
    "the law cannot decide": "gateway.store.deciding.decide",
    "the standing cannot be found": "gateway.store.deciding.standing_of",
    "the outcome cannot be added up": "gateway.tally.Tally.outcome",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
async def test_a_fault_is_451_and_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """451 4.3.0 with a reference and no word more; once mended, the retry serves the person once."""
    await house.consent(ANNA)

    def broken(*_: object, **__: object) -> None:
        raise (SigningError if place.endswith("sign_parts") else RuntimeError)(INSIDES)

    with monkeypatch.context() as fault:
        fault.setattr(place, broken)
        code, text = await house.submit(ANNA)
    sent_meanwhile = house.smarthost.delivered.copy()
    mended, _ = await house.submit(ANNA)

    assert (code, text.split()[0]) == (451, "4.3.0")
    assert text.split(maxsplit=2)[2] == "temporary fault, try again later"
    assert sent_meanwhile == ([ANNA] if place.startswith("gateway.tally") else [])
    assert (mended, house.smarthost.delivered) == (250, [ANNA])


async def test_a_fault_of_one_copy_keeps_the_others_on_record(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One copy of two cannot be signed: 451, the other is relayed and on record, and not sent again."""
    people = [ANNA, "bram@example.org"]
    await house.consent(*people)
    sign, calls = Signer.sign_parts, []

    def once(self: Signer, header: Covered, body_digest: bytes, *, signed_at: int) -> bytes:
        calls.append(header)
        if len(calls) == 1:
            raise SigningError(INSIDES)
        return sign(self, header, body_digest, signed_at=signed_at)

    monkeypatch.setattr(Signer, "sign_parts", once)
    first = await house.submit(*people)
    second = await house.submit(*people)

    assert (first[0], second[0]) == (451, 250)
    assert sorted(house.smarthost.delivered) == people
