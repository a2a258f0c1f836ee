"""The Netherlands until 1 July 2021: Tw art. 11.7 with its older paragraphs, and the do-not-call register."""

from __future__ import annotations

from gateway.law.packs.pack import Pack

NL_2019 = Pack(
    id="nl-2019",
    law="The Netherlands until 1 July 2021: Tw art. 11.7 as it was then, and the GDPR (AVG)",
    version="1",
    phone="register",  # Tw 11.7(5)-(6) until 1 July 2021
    rests_on={"phone": "Tw (2019) 11.7(5)-(6)"},
    articles={
        "contract": "GDPR 6(1)(b)",
        "legal-obligation": "GDPR 6(1)(c)",
        "precontract": "GDPR 6(1)(b)",
        "informative": "GDPR 6(1)(f)",
        "consent": "Tw (2019) 11.7(1), GDPR 6(1)(a)",
        "register": "Tw (2019) 11.7(5)-(6)",
        "compatible-use": "GDPR 6(4)",
        "soft-opt-in": "Tw (2019) 11.7(3)",
        "impersonal-address": "Tw (2019) 11.7(2)",
        "no-category": "GDPR 5(1)(b)",
        "controller-not-ready": "Tw (2019) 11.7(4), GDPR 13",
        "objected": "Tw (2019) 11.7(3), (5), GDPR 21(2)-(3)",
        "objected-category": "Tw (2019) 11.7(3), (5), GDPR 21(2)-(3)",
        "objected-profiling": "GDPR 21(2)-(3)",
        "consent-withdrawn": "GDPR 7(3)",
        "profiling-not-announced": "GDPR 13(2)(f), 21(4)",
        "third-party-without-consent": "Tw (2019) 11.7(3), GDPR 6(1)(a)",
        "personalised-needs-consent": "GDPR 6(1)(a)",
        "do-not-call": "Tw (2019) 11.7(5)-(6)",
        "consent-expired": "GDPR 7(1)",
        "consent-unproven": "Tw (2019) 11.7(1), GDPR 7(1)",
        "relationship-lapsed": "Tw (2019) 11.7(3)",
        "one-off-customer": "Tw (2019) 11.7(3)",
        "optout-not-offered": "Tw (2019) 11.7(3)",
        "products-not-similar": "Tw (2019) 11.7(3)",
        "consent-other-channel": "Tw (2019) 11.7(1)",
        "consent-other-category": "GDPR 5(1)(b)",
        "not-a-customer": "Tw (2019) 11.7(1), (3)",
        "unknown-person": "Tw (2019) 11.7(1)",
        "undeliverable": "GDPR 5(1)(d)",
    },
)
