"""The whole configuration, as read: its sections, its tables by name, and its paths made absolute."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from os.path import normpath
from pathlib import Path
from typing import TypeVar

from gateway.config import schema
from gateway.config.values import SQLITE
from gateway.law import category as law
from gateway.law.packs import PACKS, pack_for

S = TypeVar("S", bound=schema.Section)


@dataclass(frozen=True)
class Config:
    """Everything gateway.toml and the environment say; attributes carry the keys of the file."""

    folder: Path  # of the file: relative paths are relative to it
    gateway: schema.Gateway
    store: schema.Store
    smtp: schema.Smtp
    http: schema.Http
    smarthost: schema.Smarthost
    dkim: tuple[schema.Dkim, ...] = ()
    controller: tuple[schema.Controller, ...] = ()
    category: tuple[schema.Category, ...] = ()
    login: tuple[schema.Login, ...] = ()
    token: tuple[schema.Token, ...] = ()
    retention: dict[str, schema.Retention] = field(default_factory=dict)

    @cached_property
    def controllers(self) -> dict[str, law.Controller]:
        """The controllers as the law sees them, by id."""
        return {one.id: self._controller(one) for one in self.controller}

    @cached_property
    def categories(self) -> dict[str, law.Category]:
        """The categories as the law sees them, by id."""
        return {one.id: _category(one) for one in self.category}

    @cached_property
    def logins(self) -> dict[str, schema.Login]:
        """The logins, by name."""
        return {one.name: one for one in self.login}

    def _controller(self, one: schema.Controller) -> law.Controller:
        return law.Controller(
            id=one.id,
            name=one.name,
            pack=PACKS[one.pack] if one.pack else pack_for(one.country),
            postal_address=one.postal_address,
            privacy_policy_url=one.privacy_policy_url,
            privacy_policy_mentions_marketing=one.privacy_policy_mentions_marketing,
            contact=one.contact,
            officer=one.officer,
            language=one.language or self.gateway.language,
            impersonal_addresses=one.impersonal_addresses,
        )


def _category(one: schema.Category) -> law.Category:
    return law.Category(
        id=one.id,
        controller=one.controller,
        title=one.title,
        purpose=one.purpose,
        ground=one.ground or "",
        formerly=frozenset(one.formerly),
        product_groups=frozenset(one.product_groups),
        advertiser=one.advertiser,
        personalised=one.personalised,
        profiled=one.profiled,
        customers=one.customers,
        one_off_max_age_days=one.one_off_max_age_days,
        double_opt_in=one.double_opt_in,
        post_use_compatible=one.post_use_compatible,
        channels=frozenset(one.channels),
    )


def settled(config: Config) -> Config:
    """The configuration with its paths absolute and with the defaults that depend on other keys."""
    folder = config.folder
    state = Path(normpath(folder / config.gateway.state_dir))
    gateway = _with(
        config.gateway, state_dir=state, keys_file=_in(state, folder, config.gateway, "keys_file")
    )
    smtp = _with(
        config.smtp, tls_cert=_at(folder, config.smtp.tls_cert), tls_key=_at(folder, config.smtp.tls_key)
    )
    http = config.http
    if "admin_listen" not in http.model_fields_set:
        http = _with(http, admin_listen=http.listen)
    return replace(
        config,
        gateway=gateway,
        smtp=smtp,
        http=http,
        store=_with(config.store, url=_store_url(config.store, state, folder)),
        dkim=tuple(_with(one, private_key_file=folder / one.private_key_file) for one in config.dkim),
        login=tuple(
            _with(one, envelope_domains=one.envelope_domains or one.from_domains) for one in config.login
        ),
    )


def _store_url(store: schema.Store, state: Path, folder: Path) -> str:
    if not store.url.startswith(SQLITE):
        return store.url
    base = folder if "url" in store.model_fields_set else state
    return SQLITE + str(base / store.url.removeprefix(SQLITE))


def _in(state: Path, folder: Path, section: schema.Section, key: str) -> Path:
    """A path given is relative to the file; the default is in the state directory."""
    value: Path = getattr(section, key)
    return (folder if key in section.model_fields_set else state) / value


def _at(folder: Path, path: Path | None) -> Path | None:
    return folder / path if path else None


def _with(section: S, **values: object) -> S:
    return section.model_copy(update=values)
