"""A configuration in a folder of its own, and the program run on it as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.mail.signature import new_key

CONFIG = """\
[gateway]
hostname = "gateway.test.example"
public_url = "http://127.0.0.1:8080"
state_dir = "state"
[smarthost]
host = "127.0.0.1"
port = 25
tls = "none"
[[dkim]]
domain = "shop.example"
selector = "s1"
private_key_file = "keys/s1.pem"
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
product_groups = ["bread"]
[[category]]
id = "invoice"
controller = "shop"
title = "Facturen"
purpose = "service"
ground = "contract"
[[login]]
name = "tool"
controller = "shop"
categories = ["newsletter", "invoice"]
default_category = "newsletter"
from_domains = ["shop.example"]
networks = ["127.0.0.0/8"]
"""
BUTCHER = """
[[controller]]
id = "butcher"
name = "De Slager"
postal_address = "Markt 2, 2611 GP Delft"
contact = "privacy@butcher.example"
privacy_policy_url = "https://butcher.example/privacy"
privacy_policy_mentions_marketing = true
country = "NL"
[[category]]
id = "meat"
controller = "butcher"
title = "Vlees"
purpose = "marketing"
"""
ROWS = """\
email,kind,category,occurred_at,source,wording,wording_version,scope
anna@example.org,consent,newsletter,2026-03-01T09:30:00+01:00,form,Yes,1,
bram@example.org,consent,newsletter,2026-03-01T09:30:00+01:00,form,Yes,1,
bram@example.org,objection,,2026-04-01T09:30:00+02:00,,,,
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The result, of which there must be one line."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def is_plain(self) -> bool:
        """Whether no traceback was shown."""
        return "Traceback" not in self.out + self.err


@dataclass(frozen=True)
class Shop:
    """A folder with a configuration."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "gateway.toml"

    @property
    def state(self) -> list[str]:
        """What is in the state directory."""
        return sorted(path.name for path in (self.folder / "state").glob("*"))

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, *arguments: object) -> Ran:
        """The command in this process."""
        result = CliRunner().invoke(app, [*map(str, arguments)], env={"SENDRIGHT_CONFIG": str(self.config)})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        ran = Ran(result.exit_code, result.stdout, result.stderr)
        assert ran.is_plain
        return ran

    def program(self, *arguments: object) -> Ran:
        """The command as a program of its own."""
        environment = os.environ | {"SENDRIGHT_CONFIG": str(self.config)}
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def opened(folder: Path, extra: str = "") -> Shop:
    """A shop before its first start, whose configuration goes on with a text."""
    shop = Shop(folder)
    shop.file("gateway.toml", CONFIG + extra)
    (folder / "keys").mkdir()
    shop.file("keys/s1.pem", new_key("ed25519"))
    return shop


@pytest.fixture
def shop_with(tmp_path: Path) -> Callable[[str], Shop]:
    """A shop whose configuration goes on with a text."""
    return partial(opened, tmp_path)


@pytest.fixture
def shop(shop_with: Callable[[str], Shop]) -> Shop:
    """A shop with one controller, before its first start."""
    return shop_with("")


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory of a shop with evidence: anna consented, bram did and objected."""
    shop = opened(tmp_path_factory.mktemp("stock"))
    assert shop.run("import", shop.file("rows.csv", ROWS)).code == 0
    return shop.folder / "state"


@pytest.fixture
def stocked(shop: Shop, stock: Path) -> Shop:
    """A shop with that evidence, and the file it came from."""
    shop.file("rows.csv", ROWS)
    shutil.copytree(stock, shop.folder / "state")
    return shop
