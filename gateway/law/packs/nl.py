"""The Netherlands: Telecommunicatiewet (Tw) art. 11.7 as since 1 July 2021, and the GDPR (AVG)."""

from __future__ import annotations

from gateway.law.packs.pack import Pack

NL = Pack(
    id="nl",
    law="The Netherlands: Telecommunicatiewet (Tw) art. 11.7 as since 1 July 2021, and the GDPR (AVG)",
    version="1",
    phone="consent",  # Tw 11.7(2) since 1 July 2021
    rests_on={"phone": "Tw 11.7(2)"},
    articles={
        "contract": "GDPR 6(1)(b)",
        "legal-obligation": "GDPR 6(1)(c)",
        "precontract": "GDPR 6(1)(b)",
        "informative": "GDPR 6(1)(f)",
        "consent": "Tw 11.7(1)-(2), GDPR 6(1)(a)",
        "register": "Tw 11.7(2)",
        "compatible-use": "GDPR 6(4)",
        "soft-opt-in": "Tw 11.7(4)",
        "impersonal-address": "Tw 11.7(3)",
        "no-category": "GDPR 5(1)(b)",
        "controller-not-ready": "Tw 11.7(6), GDPR 13",
        "objected": "Tw 11.7(4), GDPR 21(2)-(3)",
        "objected-category": "Tw 11.7(4), GDPR 21(2)-(3)",
        "objected-profiling": "GDPR 21(2)-(3)",
        "consent-withdrawn": "GDPR 7(3)",
        "profiling-not-announced": "GDPR 13(2)(f), 21(4)",
        "third-party-without-consent": "Tw 11.7(4), GDPR 6(1)(a)",
        "personalised-needs-consent": "GDPR 6(1)(a)",
        "do-not-call": "Tw 11.7(2)",
        "consent-expired": "GDPR 7(1)",
        "consent-unproven": "Tw 11.7(1), GDPR 7(1)",
        "relationship-lapsed": "Tw 11.7(4)",
        "one-off-customer": "Tw 11.7(4)",
        "optout-not-offered": "Tw 11.7(4)",
        "products-not-similar": "Tw 11.7(4)",
        "consent-other-channel": "Tw 11.7(1)-(2)",
        "consent-other-category": "GDPR 5(1)(b)",
        "not-a-customer": "Tw 11.7(1), (4)",
        "unknown-person": "Tw 11.7(1)-(2)",
        "undeliverable": "GDPR 5(1)(d)",
    },
)
