"""Every ground on which a mail may go, and every reason for which it is withheld.

The articles live in the country packs, since each country has its own (law.md, opening).
"""

from __future__ import annotations

from enum import StrEnum


class Ground(StrEnum):
    """Why a mail may go."""

    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    PRECONTRACT = "precontract"
    INFORMATIVE = "informative"
    CONSENT = "consent"
    REGISTER = "register"
    COMPATIBLE_USE = "compatible-use"
    SOFT_OPT_IN = "soft-opt-in"
    IMPERSONAL_ADDRESS = "impersonal-address"


class Reason(StrEnum):
    """Why a mail is withheld."""

    NO_CATEGORY = "no-category"
    CONTROLLER_NOT_READY = "controller-not-ready"
    OBJECTED = "objected"
    OBJECTED_CATEGORY = "objected-category"
    OBJECTED_PROFILING = "objected-profiling"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    PROFILING_NOT_ANNOUNCED = "profiling-not-announced"
    THIRD_PARTY_WITHOUT_CONSENT = "third-party-without-consent"
    PERSONALISED_NEEDS_CONSENT = "personalised-needs-consent"
    DO_NOT_CALL = "do-not-call"
    CONSENT_EXPIRED = "consent-expired"
    CONSENT_UNPROVEN = "consent-unproven"
    RELATIONSHIP_LAPSED = "relationship-lapsed"
    ONE_OFF_CUSTOMER = "one-off-customer"
    OPTOUT_NOT_OFFERED = "optout-not-offered"
    PRODUCTS_NOT_SIMILAR = "products-not-similar"
    CONSENT_OTHER_CHANNEL = "consent-other-channel"
    CONSENT_OTHER_CATEGORY = "consent-other-category"
    NOT_A_CUSTOMER = "not-a-customer"
    UNKNOWN_PERSON = "unknown-person"
    UNDELIVERABLE = "undeliverable"
