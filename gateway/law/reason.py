"""Every ground on which a mail may go, and every reason for which it is withheld.

Each carries its plain sentence. The articles live in the country packs, since each country has its own
(law.md, opening).
"""

from __future__ import annotations

from enum import StrEnum


class Ground(StrEnum):
    """Why a mail may go; `sentence` says it plainly."""

    sentence: str

    def __new__(cls, code: str, sentence: str = "") -> Ground:
        """The code is the value; the sentence travels with it."""
        ground = str.__new__(cls, code)
        ground._value_ = code
        ground.sentence = sentence
        return ground

    CONTRACT = "contract", "The mail is needed to perform a contract with this person."  # L12
    LEGAL_OBLIGATION = "legal-obligation", "The law obliges the controller to send this mail."  # L12
    PRECONTRACT = "precontract", "The person asked for this step before a contract."  # L13
    INFORMATIVE = "informative", "The mail is personal or informative and promotes nothing."  # L15
    CONSENT = "consent", "The person gave a provable consent to this category on this channel."  # L1, L2
    REGISTER = (  # L28
        "register",
        "The number is not on the do-not-call register, or is that of a customer for similar products.",
    )
    COMPATIBLE_USE = (  # L29
        "compatible-use",
        "The person is a customer, and advertising by post is compatible with why the address was collected.",
    )
    SOFT_OPT_IN = (  # L5
        "soft-opt-in",
        "The person bought similar products and was offered a way to refuse when doing so.",
    )
    IMPERSONAL_ADDRESS = (  # L16
        "impersonal-address",
        "The address is that of an organisation and names no person.",
    )


class Reason(StrEnum):
    """Why a mail is withheld; `sentence` says it plainly.

    `relaxable` is whether a login in report mode may still relay the copy (contract section 4).
    """

    sentence: str
    relaxable: bool

    def __new__(cls, code: str, sentence: str = "", relaxable: bool = True) -> Reason:
        """The code is the value; the sentence, and whether it can be relaxed, travel with it."""
        reason = str.__new__(cls, code)
        reason._value_ = code
        reason.sentence = sentence
        reason.relaxable = relaxable
        return reason

    NO_CATEGORY = "no-category", "The login has no category, so nothing says what this mail is.", False
    CONTROLLER_NOT_READY = (  # L20, L22
        "controller-not-ready",
        "The controller has not yet stated who it is, or that it markets to its customers.",
        False,
    )
    OBJECTED = "objected", "The person objected to all marketing, or to this channel.", False  # L11
    OBJECTED_CATEGORY = "objected-category", "The person objected to this category.", False  # L11
    OBJECTED_PROFILING = "objected-profiling", "The person objected to being profiled.", False  # L19
    CONSENT_WITHDRAWN = "consent-withdrawn", "The person withdrew their consent.", False  # L4
    PROFILING_NOT_ANNOUNCED = (  # L19
        "profiling-not-announced",
        "Recipients are chosen by a profile, and the person was not told.",
    )
    THIRD_PARTY_WITHOUT_CONSENT = (  # L8
        "third-party-without-consent",
        "The mail advertises another company, and no consent of the person names it.",
        False,
    )
    PERSONALISED_NEEDS_CONSENT = (  # L18
        "personalised-needs-consent",
        "The content is personalised, which needs consent.",
    )
    DO_NOT_CALL = (  # L28
        "do-not-call",
        "The number is on the do-not-call register, or was never checked against it.",
    )
    CONSENT_EXPIRED = "consent-expired", "The consent has expired."
    CONSENT_UNPROVEN = (  # L2
        "consent-unproven",
        "The consent cannot be proven: its source, wording, version or confirmation is missing.",
    )
    RELATIONSHIP_LAPSED = "relationship-lapsed", "The one purchase is too long ago for this category."  # L17
    ONE_OFF_CUSTOMER = "one-off-customer", "The person bought once; this category asks for more."  # L17
    OPTOUT_NOT_OFFERED = (  # L9
        "optout-not-offered",
        "The person was not offered a way to refuse when the address was obtained.",
    )
    PRODUCTS_NOT_SIMILAR = (  # L7
        "products-not-similar",
        "What the person bought is not similar to what this category promotes.",
    )
    CONSENT_OTHER_CHANNEL = "consent-other-channel", "The consent is for another channel."  # L27
    CONSENT_OTHER_CATEGORY = "consent-other-category", "The consent is for another category."  # L3
    NOT_A_CUSTOMER = (  # L6
        "not-a-customer",
        "The person is known, but gave no consent that serves and bought nothing that serves.",
    )
    UNKNOWN_PERSON = "unknown-person", "Nothing is on record about this person."
    UNDELIVERABLE = (
        "undeliverable",
        "The mailbox was reported not to exist, and nothing newer speaks for it.",
        False,
    )
