"""What would make a withheld mail lawful, in one sentence a reason, for those who run a campaign."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.law.category import Category
from gateway.law.reason import Reason

REMEDIES: Mapping[Reason, str] = {
    Reason.NO_CATEGORY: "Let the login have a default category, or the message name one it may use.",
    Reason.CONTROLLER_NOT_READY: "Complete what the detail names, here and in the privacy policy.",
    Reason.OBJECTED: "Nothing but a newer, provable consent to this category on this channel.",
    Reason.OBJECTED_CATEGORY: "Nothing but a newer, provable consent to this category.",
    Reason.OBJECTED_PROFILING: "Choose recipients without a profile, or obtain a newer, provable consent.",
    Reason.CONSENT_WITHDRAWN: "Nothing but a newer, provable consent; a purchase does not reopen it.",
    Reason.PROFILING_NOT_ANNOUNCED: "Tell the person of the profiling and its consequences, and record it.",
    Reason.THIRD_PARTY_WITHOUT_CONSENT: "Obtain a provable consent that names the other company.",
    Reason.PERSONALISED_NEEDS_CONSENT: "Obtain consent, or send the same content to everybody.",
    Reason.DO_NOT_CALL: "Check the number and record the outcome; who is listed is not called.",
    Reason.CONSENT_EXPIRED: "Obtain consent anew, and not by a mail that itself needs it.",
    Reason.CONSENT_UNPROVEN: "Record what lacks: source, wording, its version, or the confirmation.",
    Reason.RELATIONSHIP_LAPSED: "Obtain consent, or wait for a new purchase.",
    Reason.ONE_OFF_CUSTOMER: "Obtain consent, or mail only those who bought more than once.",
    Reason.OPTOUT_NOT_OFFERED: "Obtain consent; offer a way to refuse at each purchase, and record that.",
    Reason.PRODUCTS_NOT_SIMILAR: "Obtain consent, or promote what is similar, in a category that names it.",
    Reason.CONSENT_OTHER_CHANNEL: "Use the channel that the consent is for, or obtain consent for this one.",
    Reason.CONSENT_OTHER_CATEGORY: "Obtain consent to this category: one consent serves one kind of content.",
    Reason.NOT_A_CUSTOMER: "Obtain consent: signing up or taking part makes nobody a customer.",
    Reason.UNKNOWN_PERSON: "Record the consent or the purchase, if there is one.",
    Reason.UNDELIVERABLE: "Record the newer consent or purchase, if there is one.",
}


_NONE_SIMILAR = (
    "Obtain consent: this category names no similar products, so no customer is mailed without it."
)


def remedy_of(reason: Reason, category: Category | None) -> str:
    """What would make a mail of this category lawful, as it is configured; None: it is not known any more."""
    if reason is Reason.PRODUCTS_NOT_SIMILAR and category is not None and not category.product_groups:
        return _NONE_SIMILAR  # L7: no group, no similar product
    return REMEDIES[reason]
