"""Any other country: the ePrivacy Directive 2002/58/EC art. 13 and the GDPR."""

from __future__ import annotations

from gateway.law.packs.pack import Pack

EU = Pack(
    id="eu",
    law="Any other country: the ePrivacy Directive 2002/58/EC art. 13, and the GDPR",
    version="1",
    phone="consent",  # Directive 2002/58/EC art. 13(3) leaves the choice; the stricter one holds
    rests_on={"phone": "Directive 2002/58/EC art. 13(3)"},
    articles={
        "contract": "GDPR 6(1)(b)",
        "legal-obligation": "GDPR 6(1)(c)",
        "precontract": "GDPR 6(1)(b)",
        "informative": "GDPR 6(1)(f)",
        "consent": "Directive 2002/58/EC art. 13(1), GDPR 6(1)(a)",
        "register": "Directive 2002/58/EC art. 13(3)",
        "compatible-use": "GDPR 6(4)",
        "soft-opt-in": "Directive 2002/58/EC art. 13(2)",
        "impersonal-address": "Directive 2002/58/EC art. 13(5)",
        "no-category": "GDPR 5(1)(b)",
        "controller-not-ready": "Directive 2002/58/EC art. 13(4), GDPR 13",
        "objected": "Directive 2002/58/EC art. 13(2), GDPR 21(2)-(3)",
        "objected-category": "Directive 2002/58/EC art. 13(2), GDPR 21(2)-(3)",
        "objected-profiling": "GDPR 21(2)-(3)",
        "consent-withdrawn": "GDPR 7(3)",
        "profiling-not-announced": "GDPR 13(2)(f), 21(4)",
        "third-party-without-consent": "Directive 2002/58/EC art. 13(2), GDPR 6(1)(a)",
        "personalised-needs-consent": "GDPR 6(1)(a)",
        "do-not-call": "Directive 2002/58/EC art. 13(3)",
        "consent-expired": "GDPR 7(1)",
        "consent-unproven": "Directive 2002/58/EC art. 13(1), GDPR 7(1)",
        "relationship-lapsed": "Directive 2002/58/EC art. 13(2)",
        "one-off-customer": "Directive 2002/58/EC art. 13(2)",
        "optout-not-offered": "Directive 2002/58/EC art. 13(2)",
        "products-not-similar": "Directive 2002/58/EC art. 13(2)",
        "consent-other-channel": "Directive 2002/58/EC art. 13(1), GDPR 6(1)(a)",
        "consent-other-category": "GDPR 5(1)(b)",
        "not-a-customer": "Directive 2002/58/EC art. 13(1)-(2)",
        "unknown-person": "Directive 2002/58/EC art. 13(1)",
        "undeliverable": "GDPR 5(1)(d)",
    },
)
