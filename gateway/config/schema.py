"""What may stand in gateway.toml: a model a section, each key with type and default (contract section 3).

What a value must be by itself is said in values.py; how values must fit together in fit.py and wiring.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gateway.config.values import (
    Address,
    Channel,
    Count,
    Country,
    Day,
    FilePath,
    Host,
    Hostname,
    Id,
    Language,
    Line,
    Listen,
    MailboxText,
    Moment,
    Network,
    PublicUrl,
    Seconds,
    SecretHash,
    Selector,
    StoreUrl,
    WebUrl,
    Words,
    one_of,
)
from gateway.law.packs import PACKS

RETENTION_CLASSES = (
    "consent",
    "purchase",
    "contact",
    "notice",
    "register",
    "undeliverable",
    "journal",
    "audit",
)
SCOPES = ("evidence", "decisions", "objections", "people", "erase", "log")


class Section(BaseModel):
    """A table of the file: nothing unknown in it, nothing changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Gateway(Section):
    """[gateway]"""

    hostname: Hostname
    public_url: PublicUrl
    state_dir: FilePath = Path("/var/lib/sendright")
    workers: Count = 1
    language: Language = "nl"
    keys_file: FilePath = Path("keys.json")  # in state_dir


class Store(Section):
    """[store]"""

    url: StoreUrl = "sqlite+aiosqlite:///sendright.db"  # in state_dir


class Smtp(Section):
    """[smtp]"""

    listen: tuple[Address, ...] = (Listen("127.0.0.1", 2525),)
    listen_tls: tuple[Address, ...] = ()
    tls_cert: FilePath | None = None
    tls_key: FilePath | None = None
    require_tls: bool = False
    max_message_bytes: Count = 26_214_400
    max_recipients: Annotated[int, Field(ge=100)] = 1000  # RFC 5321 section 4.5.3.1.8: at least 100
    timeout_seconds: Seconds = 300  # RFC 5321 section 4.5.3.2.7: at least 5 minutes
    max_connections: Count = 1000
    # RFC 5321 section 4.5.3.2.6: clients wait 10 minutes for the answer to the final dot
    answer_within_seconds: Annotated[Seconds, Field(lt=600)] = 270
    max_bytes_in_flight: Count = 268_435_456


class Http(Section):
    """[http]"""

    listen: Address = Listen("127.0.0.1", 8080)
    admin_listen: Address = Listen("127.0.0.1", 8080)  # the same as listen, unless it says otherwise
    trusted_proxies: tuple[Network, ...] = ()


class Smarthost(Section):
    """[smarthost]"""

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(gt=0, le=65535)] = 25
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    username: Words | None = None
    password: Annotated[SecretStr, Field(min_length=1)] | None = None
    max_connections: Count = 40
    timeout_seconds: Seconds = 60
    signs: bool = False


class Dkim(Section):
    """[[dkim]]"""

    domain: Hostname
    selector: Selector
    private_key_file: FilePath


class Controller(Section):
    """[[controller]]"""

    id: Id
    name: Words
    postal_address: Line = ""
    contact: Line = ""
    officer: Line = ""
    privacy_policy_url: WebUrl = ""
    privacy_policy_mentions_marketing: bool = False
    country: Country
    pack: Annotated[str, one_of(tuple(PACKS))] | None = None
    language: Language | None = None
    mail_from: MailboxText = ""
    listed: bool = False
    impersonal_addresses: bool = False
    on_behalf_of: Line = ""
    processing_agreement_date: Day | None = None


class Category(Section):
    """[[category]]"""

    id: Id
    formerly: tuple[Id, ...] = ()
    controller: Id
    title: Words
    purpose: Literal["marketing", "service"]
    ground: Literal["contract", "legal-obligation", "precontract", "informative"] | None = None
    product_groups: tuple[Words, ...] = ()
    advertiser: Line = ""
    personalised: bool = False
    profiled: bool = False
    customers: Literal["any", "recurring"] = "any"
    one_off_max_age_days: Count | None = None
    double_opt_in: bool = False
    post_use_compatible: bool = False
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)] = ("email",)


class Login(Section):
    """[[login]]"""

    name: Words
    controller: Id
    categories: tuple[Id, ...] = ()
    default_category: Id | None = None
    on_withheld: Literal["drop", "reject"] = "drop"
    mode: Literal["enforce", "report"] = "enforce"
    report_until: Moment | None = None
    from_domains: Annotated[frozenset[Hostname], Field(min_length=1)]
    envelope_domains: frozenset[Hostname] = frozenset()  # from_domains, unless it says otherwise
    secret_hash: SecretHash | None = None
    networks: tuple[Network, ...] = ()


class Token(Section):
    """[[token]]"""

    name: Words
    controller: Id
    secret_hash: SecretHash
    scopes: tuple[Annotated[str, one_of(SCOPES)], ...] = ()


class Retention(Section):
    """[retention.CLASS]"""

    keep_at_least_days: Annotated[int, Field(ge=0)]
    keep_at_most_days: Count
    reason: Words


SECTIONS: dict[str, type[Section]] = {
    "gateway": Gateway,
    "store": Store,
    "smtp": Smtp,
    "http": Http,
    "smarthost": Smarthost,
}
TABLES: dict[str, type[Section]] = {
    "dkim": Dkim,
    "controller": Controller,
    "category": Category,
    "login": Login,
    "token": Token,
}
