"""The configuration of the gateway that is measured."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

SECRET = "bench-secret"
CONFIG = """\
[gateway]
hostname = "gateway.bench.example"
public_url = "http://127.0.0.1:{http}"
state_dir = "state"
keys_file = "{keys}"
{workers}
[store]
url = "sqlite+aiosqlite:///{store}"
[smtp]
listen = ["127.0.0.1:{smtp}"]
[http]
listen = "127.0.0.1:{http}"
[smarthost]
host = "127.0.0.1"
port = {sink}
tls = "none"
max_connections = 100
[[dkim]]
domain = "shop.example"
selector = "bench"
private_key_file = "{dkim}"
[[controller]]
id = "shop"
name = "De Winkel"
postal_address = "Markt 1, 2611 GP Delft"
contact = "privacy@shop.example"
privacy_policy_url = "https://shop.example/privacy"
privacy_policy_mentions_marketing = true
country = "NL"
[[category]]
id = "newsletter"
controller = "shop"
title = "Nieuwsbrief"
purpose = "marketing"
[[login]]
name = "bench"
controller = "shop"
categories = ["newsletter"]
default_category = "newsletter"
from_domains = ["shop.example"]
networks = ["127.0.0.0/8"]
secret_hash = "sha256:{secret_hash}"
[[token]]
name = "bench"
controller = "shop"
scopes = ["decisions"]
secret_hash = "sha256:{secret_hash}"
"""


def configured(
    folder: Path,
    store: Path,
    keys: Path,
    dkim: Path,
    *,
    smtp: int = 2525,
    http: int = 8080,
    sink: int = 25,
    workers: int = 1,
) -> Path:
    """The configuration file of a gateway whose own files are in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "gateway.toml"
    path.write_text(
        CONFIG.format(
            smtp=smtp,
            http=http,
            sink=sink,
            store=store.absolute(),
            keys=keys.absolute(),
            dkim=dkim.absolute(),
            workers=f"workers = {workers}" if workers > 1 else "",
            secret_hash=sha256(SECRET.encode()).hexdigest(),
        )
    )
    return path
