"""The table of legal cases: one named case per row, ground, reason and boundary of law.md section 2."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.law.category import Category, Controller
from gateway.law.decision import Decision, Send
from gateway.law.evidence import Channel, Evidence
from gateway.law.reason import Ground, Reason
from tests.law.people import (
    BAKERY,
    BAKERY_2019,
    BAKERY_BE,
    BAKERY_EU,
    CONFIRMED,
    FADING,
    NEWS,
    NOW,
    PARTNER,
    PERSONALISED,
    POST,
    PROFILED,
    REGULARS,
    TICK,
    ago,
    consent,
    contact,
    decided,
    notice,
    objection,
    purchase,
    register,
    service,
    undeliverable,
    withdrawal,
)


@dataclass(frozen=True)
class LegalCase:
    """Evidence and a question, with the row that must decide, its result, and the evidence it must name."""

    name: str
    row: int
    result: Ground | Reason
    rows: tuple[Evidence, ...] = ()
    names: tuple[int, ...] = ()
    category: Category | None = NEWS
    controller: Controller = BAKERY
    channel: Channel = "email"
    local_part: str = "jo"
    customer: str | None = None
    detail: str = ""

    @property
    def article(self) -> str:
        """Where the controller's country says so."""
        return self.controller.pack.articles[self.result]

    def decide(self) -> Decision:
        """What the gateway decides."""
        return decided(
            self.rows,
            self.category,
            controller=self.controller,
            channel=self.channel,
            local_part=self.local_part,
        )


def outcome_of(decision: Decision) -> Ground | Reason:
    """The ground of a send, the reason of a withhold."""
    return decision.ground if isinstance(decision, Send) else decision.reason


G, R, C = Ground, Reason, LegalCase
OPTOUT = {"optout_offered_at": None, "optout_offered_how": False}
RECURRING = {"customer": "recurring"}
ONE_OFF = {"customer": "one-off"}
CALL = {"controller": BAKERY_2019, "channel": "phone"}
INFO = {"controller": BAKERY_BE, "local_part": "info"}
NAMED = frozenset({"the butcher"})

NO_CATEGORY = (
    C("a login without a category", 0, R.NO_CATEGORY, (consent(), purchase()), category=None),
    C("no category, and nothing on record", 0, R.NO_CATEGORY, category=None),
)

SERVICE = (
    C("an invoice", 1, G.CONTRACT, category=service("contract")),
    C("a recall the law demands", 1, G.LEGAL_OBLIGATION, category=service("legal-obligation")),
    C("a quote that was asked for", 1, G.PRECONTRACT, category=service("precontract")),
    C("a change of opening hours", 1, G.INFORMATIVE, category=service("informative")),
    C(
        "an invoice to one who objected, withdrew, and bounced",
        1,
        G.CONTRACT,
        (objection(), withdrawal(), undeliverable()),
        category=service("contract"),
    ),
    C(
        "an invoice of a controller that is not ready for marketing",
        1,
        G.CONTRACT,
        category=service("contract"),
        controller=replace(BAKERY, postal_address=""),
    ),
)

NOT_READY = tuple(
    C(f"the controller lacks {key}", 2, R.CONTROLLER_NOT_READY, (consent(),), controller=lacking, detail=key)
    for key, lacking in {
        "name": replace(BAKERY, name=" "),
        "postal_address": replace(BAKERY, postal_address=" "),
        "privacy_policy_url": replace(BAKERY, privacy_policy_url=""),
        "privacy_policy_mentions_marketing": replace(BAKERY, privacy_policy_mentions_marketing=False),
        "postal_address, privacy_policy_url": replace(BAKERY, postal_address="", privacy_policy_url=""),
    }.items()
)

OBJECTED = (
    C("an objection after a consent", 3, R.OBJECTED, (consent(), objection()), (4,)),
    C("an objection and nothing else", 3, R.OBJECTED, (objection(),), (4,)),
    C("an objection to e-mail", 3, R.OBJECTED, (consent(), objection(scope="channel:email")), (4,)),
    C(
        "an objection to sms binds e-mail not",
        9,
        G.CONSENT,
        (consent(), objection(scope="channel:sms")),
        (1,),
    ),
    C(
        "an objection to a forgotten category",
        3,
        R.OBJECTED,
        (consent(), objection(scope="category:x")),
        (4,),
    ),
    C("an objection in other words", 3, R.OBJECTED, (consent(), objection(scope="news")), (4,)),
    C("an objection to an unknown channel", 3, R.OBJECTED, (consent(), objection(scope="channel:fax")), (4,)),
    C("an objection beats a purchase", 3, R.OBJECTED, (objection(), purchase()), (4,)),
    C("a newer purchase lifts nothing", 3, R.OBJECTED, (objection(), purchase(days=1)), (4,)),
    C("consent and objection at one instant", 3, R.OBJECTED, (consent(days=5), objection()), (4,)),
    C(
        "a consent one microsecond newer lifts it",
        9,
        G.CONSENT,
        (consent(occurred_at=ago(5) + TICK), objection()),
        (1,),
    ),
    C("the newest objection is the one named", 3, R.OBJECTED, (objection(9, 2), objection(4, 5)), (9,)),
    C(
        "of marketing and channel the newest is named",
        3,
        R.OBJECTED,
        (objection(4, 5), objection(9, 2, scope="channel:email")),
        (9,),
    ),
    C(
        "a consent between two objections lifts neither",
        3,
        R.OBJECTED,
        (objection(4, 5), consent(days=3), objection(9, 2, scope="channel:email")),
        (9,),
    ),
    C("an unproven consent lifts nothing", 3, R.OBJECTED, (objection(), consent(days=1, proven=False)), (4,)),
    C(
        "an expired consent: it stands again",
        3,
        R.OBJECTED,
        (objection(), consent(days=1, expires_at=NOW)),
        (4,),
    ),
    C(
        "a withdrawn consent: it stands again",
        3,
        R.OBJECTED,
        (objection(), consent(days=2), withdrawal(days=1)),
        (4,),
    ),
    C(
        "a consent for another category",
        3,
        R.OBJECTED,
        (objection(), consent(days=1, category="offers")),
        (4,),
    ),
    C(
        "a consent withdrawn at its own instant: it stands",
        3,
        R.OBJECTED,
        (objection(), consent(days=3), withdrawal(days=3)),
        (4,),
    ),
    C(
        "a consent for another channel",
        3,
        R.OBJECTED,
        (objection(), consent(days=1, channels=frozenset({"sms"}))),
        (4,),
    ),
    C("a consent dated ahead", 3, R.OBJECTED, (objection(), consent(occurred_at=NOW + TICK)), (4,)),
    C("an objection dated ahead counts", 3, R.OBJECTED, (consent(), objection(days=-1)), (4,)),
    C(
        "an unconfirmed consent lifts nothing",
        3,
        R.OBJECTED,
        (objection(), consent(days=1)),
        (4,),
        category=CONFIRMED,
    ),
)

OBJECTED_CATEGORY = (
    C(
        "an objection to this category",
        4,
        R.OBJECTED_CATEGORY,
        (consent(), objection(scope="category:news")),
        (4,),
    ),
    C("by its former id", 4, R.OBJECTED_CATEGORY, (consent(), objection(scope="category:nieuws")), (4,)),
    C("to another category", 9, G.CONSENT, (consent(), objection(scope="category:offers")), (1,)),
    C("lifted by a newer consent", 9, G.CONSENT, (objection(scope="category:news"), consent(days=1)), (1,)),
    C(
        "lifted by a consent under the former id",
        9,
        G.CONSENT,
        (objection(scope="category:news"), consent(days=1, category="nieuws")),
        (1,),
    ),
)

OBJECTED_PROFILING = (
    C(
        "an objection to profiling",
        5,
        R.OBJECTED_PROFILING,
        (consent(), notice(), objection(scope="profiling")),
        (4,),
        category=PROFILED,
    ),
    C("where nobody is profiled", 9, G.CONSENT, (consent(), objection(scope="profiling")), (1,)),
    C(
        "an objection to profiling, lifted",
        9,
        G.CONSENT,
        (objection(scope="profiling"), notice(), consent(days=1)),
        (1,),
        category=PROFILED,
    ),
)

WITHDRAWN = (
    C("withdrawn for all", 6, R.CONSENT_WITHDRAWN, (consent(), withdrawal()), (2,)),
    C("withdrawn for this category", 6, R.CONSENT_WITHDRAWN, (consent(), withdrawal(category="news")), (2,)),
    C(
        "withdrawn under the former id",
        6,
        R.CONSENT_WITHDRAWN,
        (consent(), withdrawal(category="nieuws")),
        (2,),
    ),
    C(
        "withdrawn for a forgotten category",
        6,
        R.CONSENT_WITHDRAWN,
        (consent(), withdrawal(category="x")),
        (2,),
    ),
    C("withdrawn for another category", 9, G.CONSENT, (consent(), withdrawal(category="offers")), (1,)),
    C("withdrawn with no consent on record", 6, R.CONSENT_WITHDRAWN, (withdrawal(),), (2,)),
    C("a withdrawal closes the soft opt-in", 6, R.CONSENT_WITHDRAWN, (withdrawal(), purchase(days=1)), (2,)),
    C("consent and withdrawal at one instant", 6, R.CONSENT_WITHDRAWN, (consent(days=5), withdrawal()), (2,)),
    C("a newer consent reopens", 9, G.CONSENT, (withdrawal(), consent(occurred_at=ago(5) + TICK)), (1,)),
    C(
        "an unproven one does not",
        6,
        R.CONSENT_WITHDRAWN,
        (withdrawal(), consent(days=1, proven=False)),
        (2,),
    ),
    C(
        "one for sms does not",
        6,
        R.CONSENT_WITHDRAWN,
        (withdrawal(), consent(days=1, channels=frozenset({"sms"}))),
        (2,),
    ),
    C("one dated ahead does not", 6, R.CONSENT_WITHDRAWN, (withdrawal(), consent(days=-1)), (2,)),
    C(
        "an unconfirmed one does not",
        6,
        R.CONSENT_WITHDRAWN,
        (withdrawal(), consent(days=1), purchase(days=1)),
        (2,),
        category=CONFIRMED,
    ),
    C("a withdrawal dated ahead counts", 6, R.CONSENT_WITHDRAWN, (consent(), withdrawal(days=-1)), (2,)),
    C(
        "the newest withdrawal is named",
        6,
        R.CONSENT_WITHDRAWN,
        (withdrawal(9, 1), withdrawal(category="news")),
        (9,),
    ),
    C(
        "a newer proven consent that expired leaves the soft opt-in",
        13,
        G.SOFT_OPT_IN,
        (withdrawal(), consent(days=3, expires_at=ago(1)), purchase()),
        (3,),
        **ONE_OFF,
    ),
    C(
        "only the older of two consents was withdrawn",
        9,
        G.CONSENT,
        (consent(1, 10), withdrawal(days=5), consent(9, 3)),
        (9,),
    ),
)

PROFILING = (
    C("nobody told them of profiling", 7, R.PROFILING_NOT_ANNOUNCED, (consent(),), category=PROFILED),
    C(
        "told of privacy alone",
        7,
        R.PROFILING_NOT_ANNOUNCED,
        (consent(), notice(subject="privacy")),
        category=PROFILED,
    ),
    C("told tomorrow", 7, R.PROFILING_NOT_ANNOUNCED, (consent(), notice(days=-1)), category=PROFILED),
    C("told in time", 9, G.CONSENT, (consent(), notice(occurred_at=NOW)), (1,), category=PROFILED),
    C("told, and a customer", 13, G.SOFT_OPT_IN, (purchase(), notice()), (3,), category=PROFILED, **ONE_OFF),
)

_WITHOUT = {"category": PARTNER, "detail": "The Butcher"}
THIRD_PARTY = (
    C("a consent that names nobody", 8, R.THIRD_PARTY_WITHOUT_CONSENT, (consent(),), **_WITHOUT),
    C("a customer, for another's products", 8, R.THIRD_PARTY_WITHOUT_CONSENT, (purchase(),), **_WITHOUT),
    C(
        "a consent that names another",
        8,
        R.THIRD_PARTY_WITHOUT_CONSENT,
        (consent(third_party=frozenset({"the grocer"})),),
        **_WITHOUT,
    ),
    C(
        "a naming consent that expired",
        8,
        R.THIRD_PARTY_WITHOUT_CONSENT,
        (consent(third_party=NAMED, expires_at=NOW), consent(9)),
        **_WITHOUT,
    ),
    C(
        "a naming consent for another channel",
        8,
        R.THIRD_PARTY_WITHOUT_CONSENT,
        (consent(third_party=NAMED, channels=frozenset({"sms"})),),
        **_WITHOUT,
    ),
    C("a consent that names it", 8, G.CONSENT, (consent(third_party=NAMED),), (1,), category=PARTNER),
    C(
        "the naming consent is the one named, not a newer",
        8,
        G.CONSENT,
        (consent(1, third_party=NAMED), consent(9, days=1)),
        (1,),
        category=PARTNER,
    ),
    C(
        "the advertiser is the controller itself",
        9,
        G.CONSENT,
        (consent(),),
        (1,),
        category=replace(NEWS, advertiser=" BAKERY crumb"),
    ),
    C(
        "a blank advertiser is nobody",
        9,
        G.CONSENT,
        (consent(),),
        (1,),
        category=replace(NEWS, advertiser=" "),
    ),
)

CONSENT = (
    C("a proven consent", 9, G.CONSENT, (consent(),), (1,)),
    C("under the former id", 9, G.CONSENT, (consent(category="nieuws"),), (1,)),
    C("given this very moment", 9, G.CONSENT, (consent(occurred_at=NOW),), (1,)),
    C("the newest of two", 9, G.CONSENT, (consent(9, 2), consent(1, 10)), (9,)),
    C("of two at one instant the one recorded last", 9, G.CONSENT, (consent(9, 2), consent(1, 2)), (9,)),
    C("not yet expired", 9, G.CONSENT, (consent(expires_at=NOW + TICK),), (1,)),
    C("confirmed this very moment", 9, G.CONSENT, (consent(confirmed_at=NOW),), (1,), category=CONFIRMED),
    C(
        "for sms, by sms",
        9,
        G.CONSENT,
        (consent(channels=frozenset({"sms"})),),
        (1,),
        channel="sms",
    ),
    C(
        "for the phone, by phone",
        9,
        G.CONSENT,
        (consent(channels=frozenset({"phone"})),),
        (1,),
        channel="phone",
    ),
    C("consent goes before the soft opt-in", 9, G.CONSENT, (consent(), purchase(days=1)), (1,)),
    C("elsewhere in the Union", 9, G.CONSENT, (consent(),), (1,), controller=BAKERY_EU),
)

PERSONAL = (
    C("personalised, to a customer", 10, R.PERSONALISED_NEEDS_CONSENT, (purchase(),), category=PERSONALISED),
    C("personalised, with consent", 9, G.CONSENT, (consent(),), (1,), category=PERSONALISED),
    C("personalised, to info@", 10, R.PERSONALISED_NEEDS_CONSENT, category=PERSONALISED, **INFO),
)

PHONE = (
    C("not listed", 11, G.REGISTER, (register(listed=False),), (7,), **CALL),
    C(
        "found not listed this very moment",
        11,
        G.REGISTER,
        (register(occurred_at=NOW, listed=False),),
        (7,),
        **CALL,
    ),
    C("listed", 11, R.DO_NOT_CALL, (register(listed=True),), (7,), detail="listed", **CALL),
    C(
        "not listed, of which the proof ended",
        11,
        R.DO_NOT_CALL,
        (register(2, 20, listed=False), register(listed=False, proven=False)),
        (7,),
        detail="unproven",
        **CALL,
    ),
    C("never checked", 11, R.DO_NOT_CALL, (contact(),), detail="never checked", **CALL),
    C(
        "checked tomorrow",
        11,
        R.DO_NOT_CALL,
        (register(days=-1, listed=False),),
        detail="never checked",
        **CALL,
    ),
    C(
        "listed, and a customer",
        11,
        G.REGISTER,
        (register(listed=True), purchase(**OPTOUT)),
        (3, 7),
        **CALL,
    ),
    C("never checked, and a customer", 11, G.REGISTER, (purchase(),), (3,), **CALL),
    C(
        "listed, and bought something else",
        11,
        R.DO_NOT_CALL,
        (register(listed=True), purchase(product_group="meat")),
        (7,),
        detail="listed",
        **CALL,
    ),
    C(
        "listed, and had something for free",
        11,
        R.DO_NOT_CALL,
        (register(listed=True), purchase(paid=False)),
        (7,),
        detail="listed",
        **CALL,
    ),
    C(
        "no longer listed",
        11,
        G.REGISTER,
        (register(listed=True), register(9, 1, listed=False)),
        (9,),
        **CALL,
    ),
    C(
        "listed and not at one instant",
        11,
        R.DO_NOT_CALL,
        (register(listed=True), register(9, listed=False)),
        (7,),
        detail="listed",
        **CALL,
    ),
    C(
        "listed from tomorrow",
        11,
        R.DO_NOT_CALL,
        (register(listed=False), register(9, -1, listed=True)),
        (9,),
        detail="listed",
        **CALL,
    ),
    C(
        "objected to calls",
        3,
        R.OBJECTED,
        (register(listed=False), objection(scope="channel:phone")),
        (4,),
        **CALL,
    ),
    C(
        "the register serves no e-mail",
        15,
        R.NOT_A_CUSTOMER,
        (register(listed=False),),
        controller=BAKERY_2019,
    ),
    C(
        "where the law asks consent, no register serves",
        15,
        R.NOT_A_CUSTOMER,
        (register(listed=False), purchase()),
        channel="phone",
    ),
)

BY_POST = (
    C(
        "a customer, by post",
        12,
        G.COMPATIBLE_USE,
        (purchase(product_group="meat", **OPTOUT), purchase(9, 50)),
        (3,),
        category=POST,
        channel="post",
    ),
    C("by post, use not compatible", 15, R.NOT_A_CUSTOMER, (purchase(),), channel="post"),
    C(
        "by post, nothing paid",
        15,
        R.NOT_A_CUSTOMER,
        (purchase(paid=False),),
        (3,),
        category=POST,
        channel="post",
    ),
    C(
        "compatible use serves no e-mail",
        15,
        R.OPTOUT_NOT_OFFERED,
        (purchase(**OPTOUT),),
        (3,),
        category=POST,
    ),
)

_ORDER = {"reference": "order-1"}
SOFT_OPT_IN = (
    C("a customer", 13, G.SOFT_OPT_IN, (purchase(),), (3,), **ONE_OFF),
    C("a customer, by sms", 13, G.SOFT_OPT_IN, (purchase(),), (3,), channel="sms", **ONE_OFF),
    C("a customer, by app", 13, G.SOFT_OPT_IN, (purchase(),), (3,), channel="app", **ONE_OFF),
    C("a customer in Belgium", 13, G.SOFT_OPT_IN, (purchase(),), (3,), controller=BAKERY_BE, **ONE_OFF),
    C("of years ago", 13, G.SOFT_OPT_IN, (purchase(days=4000),), (3,), **ONE_OFF),
    C("whose contract ended", 13, G.SOFT_OPT_IN, (purchase(ended_at=ago(1)),), (3,), **ONE_OFF),
    C("this very moment", 13, G.SOFT_OPT_IN, (purchase(days=0),), (3,), **ONE_OFF),
    C("the newest that qualifies", 13, G.SOFT_OPT_IN, (purchase(9, 2), purchase(3, 10)), (9,), **RECURRING),
    C(
        "the newest does not qualify",
        13,
        G.SOFT_OPT_IN,
        (purchase(9, 2, **OPTOUT), purchase(3, 10)),
        (3,),
        **RECURRING,
    ),
    C(
        "two orders on one day",
        13,
        G.SOFT_OPT_IN,
        (purchase(**_ORDER), purchase(9, reference="order-2")),
        (9,),
        category=REGULARS,
        **RECURRING,
    ),
    C(
        "one order, delivered twice",
        13,
        G.SOFT_OPT_IN,
        (purchase(**_ORDER), purchase(9, 3, **_ORDER)),
        (9,),
        **ONE_OFF,
    ),
    C(
        "one with and one without reference, on one day",
        13,
        G.SOFT_OPT_IN,
        (purchase(**_ORDER), purchase(9)),
        (9,),
        **ONE_OFF,
    ),
    C("two without reference on one day", 13, G.SOFT_OPT_IN, (purchase(), purchase(9)), (9,), **ONE_OFF),
    C(
        "one with and one without reference, on two days",
        13,
        G.SOFT_OPT_IN,
        (purchase(**_ORDER), purchase(9, 3)),
        (9,),
        **RECURRING,
    ),
    C(
        "of any product group",
        13,
        G.SOFT_OPT_IN,
        (purchase(), purchase(9, 3, product_group="meat")),
        (3,),
        category=REGULARS,
        **RECURRING,
    ),
    C(
        "a free one makes nobody a regular",
        13,
        G.SOFT_OPT_IN,
        (purchase(), purchase(9, 3, paid=False)),
        (3,),
        **ONE_OFF,
    ),
    C("nor one to come", 13, G.SOFT_OPT_IN, (purchase(), purchase(9, -1)), (3,), **ONE_OFF),
    C(
        "was ongoing",
        13,
        G.SOFT_OPT_IN,
        (purchase(ongoing=True, ended_at=ago(1)),),
        (3,),
        category=REGULARS,
        **RECURRING,
    ),
    C("as old as may be", 13, G.SOFT_OPT_IN, (purchase(days=30),), (3,), category=FADING, **ONE_OFF),
    C(
        "regulars do not fade",
        13,
        G.SOFT_OPT_IN,
        (purchase(days=90), purchase(9, 80)),
        (9,),
        category=FADING,
        **RECURRING,
    ),
)

IMPERSONAL = (
    C("info@ in Belgium", 14, G.IMPERSONAL_ADDRESS, **INFO),
    C("a person in Belgium", 15, R.UNKNOWN_PERSON, controller=BAKERY_BE),
    C(
        "info@, not switched on",
        15,
        R.UNKNOWN_PERSON,
        **INFO | {"controller": replace(BAKERY_BE, impersonal_addresses=False)},
    ),
    C(
        "info@ in the Netherlands",
        15,
        R.UNKNOWN_PERSON,
        **INFO | {"controller": replace(BAKERY, impersonal_addresses=True)},
    ),
    C("info@ is no telephone", 15, R.UNKNOWN_PERSON, channel="sms", **INFO),
    C("info@ objected", 3, R.OBJECTED, (objection(),), (4,), **INFO),
)

UNPROVEN = "lacks its source, its wording or the wording's version"
NEAREST = (
    C("expired this very moment", 15, R.CONSENT_EXPIRED, (consent(expires_at=NOW),), (1,)),
    C("expired goes before unproven", 15, R.CONSENT_EXPIRED, (consent(expires_at=NOW, proven=False),), (1,)),
    C("no proof", 15, R.CONSENT_UNPROVEN, (consent(proven=False),), (1,), detail=UNPROVEN),
    C(
        "never confirmed",
        15,
        R.CONSENT_UNPROVEN,
        (consent(),),
        (1,),
        category=CONFIRMED,
        detail=f"lacks confirmed_at, which {CONFIRMED.id} asks for (double opt-in)",
    ),
    C(
        "confirmed a moment from now",
        15,
        R.CONSENT_UNPROVEN,
        (consent(confirmed_at=NOW + TICK),),
        (1,),
        category=CONFIRMED,
        detail="its confirmed_at lies ahead",
    ),
    C(
        "confirmed, but unproven",
        15,
        R.CONSENT_UNPROVEN,
        (consent(proven=False, confirmed_at=NOW),),
        (1,),
        category=CONFIRMED,
        detail=UNPROVEN,
    ),
    C(
        "unproven, for another channel",
        15,
        R.CONSENT_UNPROVEN,
        (consent(proven=False),),
        (1,),
        channel="sms",
        detail=UNPROVEN,
    ),
    C(
        "a one-off customer of long ago",
        15,
        R.RELATIONSHIP_LAPSED,
        (purchase(occurred_at=ago(30) - TICK, optout_offered_at=ago(31)),),
        (3,),
        category=FADING,
    ),
    C("once is not enough", 15, R.ONE_OFF_CUSTOMER, (purchase(),), (3,), category=REGULARS),
    C(
        "asked for more goes before age",
        15,
        R.ONE_OFF_CUSTOMER,
        (purchase(days=90),),
        (3,),
        category=replace(FADING, customers="recurring"),
    ),
    C("never offered a way out", 15, R.OPTOUT_NOT_OFFERED, (purchase(**OPTOUT),), (3,)),
    C("offered, but not how", 15, R.OPTOUT_NOT_OFFERED, (purchase(optout_offered_how=False),), (3,)),
    C("how, but not when", 15, R.OPTOUT_NOT_OFFERED, (purchase(optout_offered_at=None),), (3,)),
    C("offered afterwards", 15, R.OPTOUT_NOT_OFFERED, (purchase(optout_offered_at=ago(10) + TICK),), (3,)),
    C("bought meat", 15, R.PRODUCTS_NOT_SIMILAR, (purchase(product_group="meat", **OPTOUT),), (3,)),
    C(
        "nothing is similar to nothing",
        15,
        R.PRODUCTS_NOT_SIMILAR,
        (purchase(),),
        (3,),
        category=replace(NEWS, product_groups=frozenset()),
    ),
    C("consent for e-mail, sent by sms", 15, R.CONSENT_OTHER_CHANNEL, (consent(),), (1,), channel="sms"),
    C(
        "the newsletter is no lead nurturing",
        15,
        R.CONSENT_OTHER_CATEGORY,
        (consent(category="offers"),),
        (1,),
    ),
    C("an unproven one for another", 15, R.NOT_A_CUSTOMER, (consent(category="offers", proven=False),)),
    C("one for another, dated ahead", 15, R.NOT_A_CUSTOMER, (consent(days=-1, category="offers"),)),
    C("a contest makes no customer", 15, R.NOT_A_CUSTOMER, (contact(),), (6,)),
    C("nor does anything free", 15, R.NOT_A_CUSTOMER, (purchase(paid=False),), (3,)),
    C("nor a purchase to come", 15, R.NOT_A_CUSTOMER, (purchase(occurred_at=NOW + TICK),), (3,)),
    C(
        "a consent dated ahead, alone",
        15,
        R.NOT_A_CUSTOMER,
        (consent(occurred_at=NOW + TICK, expires_at=NOW),),
    ),
    C("only a notice on record", 15, R.NOT_A_CUSTOMER, (notice(),)),
    C("nothing on record", 15, R.UNKNOWN_PERSON),
    C("over as soon as given", 15, R.CONSENT_EXPIRED, (consent(occurred_at=NOW, expires_at=NOW),), (1,)),
    C(
        "for another category, this very moment",
        15,
        R.CONSENT_OTHER_CATEGORY,
        (consent(occurred_at=NOW, category="offers"),),
        (1,),
    ),
    C(
        "a regular of long ago has not lapsed, but may not be called",
        15,
        R.NOT_A_CUSTOMER,
        (purchase(days=90), purchase(9, 80)),
        category=FADING,
        channel="phone",
    ),
    C(
        "no one purchase passes all",
        15,
        R.OPTOUT_NOT_OFFERED,
        (purchase(**OPTOUT), purchase(9, product_group="meat")),
        (3,),
    ),
)

_YIELDS: tuple[tuple[Reason, Evidence], ...] = (  # nearest first; a category that is FADING
    (R.CONSENT_EXPIRED, consent(21, expires_at=NOW)),
    (R.CONSENT_UNPROVEN, consent(22, proven=False)),
    (R.RELATIONSHIP_LAPSED, purchase(23, 90)),
    (R.OPTOUT_NOT_OFFERED, purchase(24, 90, **OPTOUT)),
    (R.PRODUCTS_NOT_SIMILAR, purchase(25, 90, product_group="meat")),
    (R.CONSENT_OTHER_CHANNEL, consent(26, channels=frozenset({"sms"}))),
    (R.CONSENT_OTHER_CATEGORY, consent(27, category="offers")),
    (R.NOT_A_CUSTOMER, contact(28)),
)
ORDER_OF_NEAREST = tuple(
    C(
        f"{reason} is nearer than all after it",
        15,
        reason,
        tuple(rows),
        (rows[0].id,),
        category=FADING,
        detail=UNPROVEN if reason is R.CONSENT_UNPROVEN else "",
    )
    for reason, rows in (
        (reason, [row for _, row in _YIELDS[place:]]) for place, (reason, _) in enumerate(_YIELDS)
    )
)

_DEAD = {"row": 16, "result": R.UNDELIVERABLE, "names": (8,)}
UNDELIVERABLE = (
    C("a dead mailbox, with consent", rows=(consent(), undeliverable()), **_DEAD),
    C("a dead mailbox, of a customer", rows=(purchase(), undeliverable()), **_DEAD),
    C("a dead info@", rows=(undeliverable(),), **_DEAD, **INFO),
    C("the newest report counts", rows=(undeliverable(9, 20), consent(), undeliverable(8, 5)), **_DEAD),
    C("a report dated ahead counts", rows=(consent(), undeliverable(days=-1)), **_DEAD),
    C("a consent dated ahead speaks for nothing", rows=(consent(), undeliverable(), consent(9, -1)), **_DEAD),
    C("nor a purchase to come", rows=(consent(), undeliverable(), purchase(9, -1)), **_DEAD),
    C("a consent at the same instant", 9, G.CONSENT, (consent(days=5), undeliverable()), (1,)),
    C(
        "a consent and a report this very moment",
        9,
        G.CONSENT,
        (consent(occurred_at=NOW), undeliverable(occurred_at=NOW)),
        (1,),
    ),
    C(
        "a purchase and a report this very moment",
        13,
        G.SOFT_OPT_IN,
        (purchase(days=0), undeliverable(occurred_at=NOW)),
        (3,),
        **ONE_OFF,
    ),
    C("a newer purchase", 9, G.CONSENT, (consent(), undeliverable(), purchase(days=1)), (1,)),
    C(
        "a newer consent for something else",
        9,
        G.CONSENT,
        (consent(), undeliverable(), consent(9, 1, category="offers")),
        (1,),
    ),
    C(
        "a dead mailbox takes sms",
        13,
        G.SOFT_OPT_IN,
        (purchase(), undeliverable()),
        (3,),
        channel="sms",
        **ONE_OFF,
    ),
    C("an objection is named first", 3, R.OBJECTED, (consent(), objection(), undeliverable()), (4,)),
)

CASES: tuple[LegalCase, ...] = (
    NO_CATEGORY
    + SERVICE
    + NOT_READY
    + OBJECTED
    + OBJECTED_CATEGORY
    + OBJECTED_PROFILING
    + WITHDRAWN
    + PROFILING
    + THIRD_PARTY
    + CONSENT
    + PERSONAL
    + PHONE
    + BY_POST
    + SOFT_OPT_IN
    + IMPERSONAL
    + NEAREST
    + ORDER_OF_NEAREST
    + UNDELIVERABLE
)
