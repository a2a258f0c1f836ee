"""The configuration: documented once, typed, and every fault of it told at once."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config import ConfigError, Listen, find, load, warnings
from gateway.config.schema import SECTIONS, TABLES, Retention, Section
from gateway.mail.signature import new_key

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "config" / "gateway.toml"
BAD = sorted((Path(__file__).parent / "configs").glob("*.toml"))
GOOD = Path(__file__).parent / "configs" / "good" / "gateway.toml"


# --- the file that documents every key


def uncommented() -> dict[str, object]:
    """The sample with every key and table in force, as if it were all uncommented."""
    text = re.sub(r"(?m)^# ?((?:[a-z_]+ = |\[).*)$", r"\1", SAMPLE.read_text())
    seen: dict[str, object] = {}
    for block in re.split(r"(?m)^(?=\[)", text):
        for name, value in tomllib.loads(block).items():
            _merge(seen, name, value)
    return seen


def _merge(seen: dict[str, object], name: str, value: object) -> None:
    """One table more; of [[several]] the keys are put together."""
    table = value[0] if isinstance(value, list) else value
    known = seen.setdefault(name, {})
    assert isinstance(known, dict)
    assert isinstance(table, dict)
    known.update({key: known.get(key, one) for key, one in table.items()})


@pytest.mark.parametrize(("name", "model"), (SECTIONS | TABLES).items())
def test_the_sample_names_every_key_and_no_other(name: str, model: type[Section]) -> None:
    """config/gateway.toml has each key of each section, and none that the code does not know."""
    assert set(uncommented()[name]) == set(model.model_fields)  # type: ignore[call-overload]


def test_the_sample_names_every_key_of_retention() -> None:
    """So it does for the terms of retention."""
    assert set(uncommented()["retention"]["purchase"]) == set(Retention.model_fields)  # type: ignore[index]


def commented_keys() -> list[tuple[str, str, str, str]]:
    """Section, key, value and the comment before it, for each key that the sample leaves at its default."""
    found, section, comment = [], "", ""
    for line in SAMPLE.read_text().splitlines():
        if table := re.fullmatch(r"(?:# )?\[+([a-z]+)[\].].*", line):
            section, comment = table[1], ""
        elif key := re.fullmatch(r"# ([a-z_]+) = (.*)", line):
            found.append((section, key[1], key[2], comment))
        elif line.startswith("#"):
            comment = f"{comment} {line[2:]}" if comment and not comment.endswith("\n") else line[2:]
        else:
            comment = ""
    return found


@pytest.mark.parametrize(("section", "key", "value", "comment"), commented_keys())
def test_a_commented_key_shows_its_default(section: str, key: str, value: str, comment: str) -> None:
    """What stands behind the # is the default, unless the comment says what that is."""
    model = (SECTIONS | TABLES | {"retention": Retention})[section]
    field = model.model_fields[key]
    if section in TABLES and field.is_required():
        return  # an example: the whole table is one
    shown = tomllib.loads(f"value = {value}")["value"]
    default = None if field.is_required() else field.get_default()

    if default is None or "Default:" in comment:
        assert "efault" in comment
    else:
        assert as_shown(default) == shown


def as_shown(value: object) -> object:
    """A default as the file writes it."""
    if isinstance(value, Listen | Path):
        return str(value)
    if isinstance(value, tuple | frozenset):
        return [as_shown(one) for one in value]
    return value


def test_a_key_in_force_tells_its_default_where_it_differs() -> None:
    """A section's key that the sample sets otherwise than the code says its default in the comment."""
    lines = SAMPLE.read_text().splitlines()
    section, comment, untold = "", "", []
    for line in lines:
        if table := re.fullmatch(r"\[([a-z]+)\]", line):
            section, comment = table[1], ""
        elif (key := re.fullmatch(r"([a-z_]+) = (.*)", line)) and section in SECTIONS:
            field = SECTIONS[section].model_fields[key[1]]
            if not field.is_required():
                default = as_shown(field.get_default())
                shown = tomllib.loads(f"value = {key[2]}")["value"]
                if shown != default and f"Default: {json.dumps(default)}." not in comment:
                    untold.append((section, key[1]))
            comment = ""
        elif line.startswith("["):
            section = ""
        else:
            comment = f"{comment} {line[2:]}" if line.startswith("# ") else ""

    assert untold == []


def test_the_sample_runs_once_its_key_is_made(tmp_path: Path) -> None:
    """The sample, copied, lacks nothing but its DKIM key, which `make run` makes; then it signs."""
    path = tmp_path / "config" / "gateway.toml"
    path.parent.mkdir()
    path.write_text(SAMPLE.read_text())
    with pytest.raises(ConfigError) as refused:
        load(path, {})
    (fault,) = refused.value.faults
    assert fault.mend == "run `sendright dkim new shop.example.com s1`"

    made = CliRunner().invoke(app, ["dkim", "new", "shop.example.com", "s1", "--config", str(path)])
    config = load(path, {})

    assert made.exit_code == 0
    assert "/../" not in made.stdout
    assert warnings(config) == ()
    assert not config.smarthost.signs
    assert config.gateway.state_dir == tmp_path / "state"


# --- faults


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_bad_configuration_names_all_its_faults(path: Path) -> None:
    """A file of tests/configs is refused with just the faults in its comments: `# FAULT key: words`."""
    expected = re.findall(r"(?m)^# FAULT (\S*): (.*)$", path.read_text())
    assert expected, "the file says what is wrong with it"

    with pytest.raises(ConfigError) as refused:
        load(path, {})

    told = sorted((fault.key, fault.fault) for fault in refused.value.faults)
    assert [key for key, _ in told] == sorted(key for key, _ in expected)
    for key, words in expected:
        assert any(key == told_key and words in fault for told_key, fault in told), (key, words, told)
    assert all(fault.mend and fault.file == str(path) for fault in refused.value.faults)


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """A missing file is told as any other fault."""
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "none.toml", {})

    (fault,) = refused.value.faults
    assert "cannot be read" in fault.fault


@given(
    place=st.integers(0, 20),
    value=st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.text(max_size=20),
        st.lists(st.one_of(st.text(max_size=5), st.integers()), max_size=3),
        st.dictionaries(st.sampled_from(["id", "name", "listen", "x"]), st.integers(), max_size=2),
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_value_is_taken_or_named_as_a_fault(tmp_path: Path, place: int, value: object) -> None:
    """Whatever stands behind a key, or where it is left out, loading ends in a Config or in faults."""
    lines = GOOD.read_text().splitlines()
    keys = [number for number, line in enumerate(lines) if " = " in line]
    number = keys[place % len(keys)]
    name = lines[number].split(" = ")[0]
    lines[number] = "" if value is None else f"{name} = {as_toml(value)}"
    path = tmp_path / "gateway.toml"
    path.write_text("\n".join(lines), "utf-8")

    try:
        load(path, {})
    except ConfigError as refused:
        assert all(fault.fault and fault.mend for fault in refused.faults)  # noqa: PT017  either will do
        assert len(set(refused.faults)) == len(refused.faults)  # noqa: PT017


def as_toml(value: object) -> str:
    """A value as TOML writes it, where JSON differs."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {one}" for key, one in value.items()) + "}"
    return json.dumps(value)


def test_a_file_nested_beyond_reason_is_a_fault(tmp_path: Path) -> None:
    """Brackets without end are told as a fault, and stop nothing."""
    path = tmp_path / "gateway.toml"
    path.write_text("a = " + "[" * 100_000)

    with pytest.raises(ConfigError) as refused:
        load(path, {})

    assert "is not TOML" in refused.value.faults[0].fault


@pytest.mark.parametrize("name", ["a-fault-elsewhere", "not-a-hash"])
def test_no_fault_repeats_a_secret(tmp_path: Path, name: str) -> None:
    """A secret put where its hash belongs, or a password in the file, is in no fault's words."""
    text = GOOD.read_text().replace("[smarthost]", '[smarthost]\nusername = "me"\npassword = ["s3cret"]')
    path = tmp_path / f"{name}.toml"
    path.write_text(text.replace("sha256:" + "0" * 64, "s3cret"))

    with pytest.raises(ConfigError) as refused:
        load(path, {})

    assert {fault.key for fault in refused.value.faults} == {"login[tool].secret_hash", "smarthost.password"}
    assert "s3cret" not in str(refused.value)


def test_a_certificate_key_with_a_password_is_a_fault(tmp_path: Path) -> None:
    """An encrypted TLS key is refused at once; nobody is asked for its password at a terminal."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    path = written(tmp_path)
    path.write_text(path.read_text() + '[smtp]\ntls_cert = "key.pem"\ntls_key = "key.pem"\n')

    with pytest.raises(ConfigError) as refused:
        load(path, {})

    assert [fault.key for fault in refused.value.faults] == ["smtp.tls_cert"]


@pytest.mark.parametrize(("bits", "warned"), [(1024, True), (2048, False)])
def test_a_short_signing_key_is_warned_of(tmp_path: Path, bits: int, *, warned: bool) -> None:
    """RSA below 2048 bits serves, with a warning (RFC 8301 section 3.2)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    (tmp_path / "key.pem").write_bytes(new_pem(key))
    path = written(tmp_path)
    path.write_text(
        path.read_text().replace("signs = true", "signs = false")
        + '[[dkim]]\ndomain = "shop.example"\nselector = "s1"\nprivate_key_file = "key.pem"\n'
    )

    keys = [warning.key for warning in warnings(load(path, {}))]

    assert keys == (["dkim[shop.example].private_key_file"] if warned else [])


def new_pem(key: rsa.RSAPrivateKey) -> bytes:
    """The key as a file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_open_doors_are_warned_of(tmp_path: Path) -> None:
    """Mail in the clear to another machine, dead links, a login without categories: all are told."""
    path = written(tmp_path)
    text = path.read_text().replace("[smarthost]", '[smarthost]\nhost = "mx.example"\ntls = "none"')
    text = text.replace('"https://mail.shop.example/"', '"http://localhost:8080"')
    path.write_text(text.replace('categories = ["newsletter"]', "categories = []"))

    keys = [warning.key for warning in warnings(load(path, {}))]

    assert keys == ["smarthost.tls", "gateway.public_url", "login[tool].categories"]


def test_a_controller_that_confirms_objections_needs_a_sender(tmp_path: Path) -> None:
    """In Belgium, where objections are confirmed, a controller without mail_from is warned of (L31)."""
    path = written(tmp_path)
    path.write_text(path.read_text().replace('country = "NL"', 'country = "BE"'))

    assert [warning.key for warning in warnings(load(path, {}))] == ["controller[shop].mail_from"]


@pytest.mark.parametrize(("pack", "warned"), [("", True), ('\npack = "eu"', False)])
def test_a_country_without_a_pack_is_told_which_applies(tmp_path: Path, pack: str, warned: bool) -> None:
    """Where no pack is of that country, the directive's applies, and is named unless it was asked for."""
    path = written(tmp_path)
    path.write_text(path.read_text().replace('country = "NL"', f'country = "FR"{pack}'))

    told = [(warning.key, warning.fault) for warning in warnings(load(path, {}))]

    applies = "FR has no pack of its own: the directive's common ground applies (pack eu)"
    assert told == [("controller[shop].country", applies)] * warned


def test_double_opt_in_needs_a_sender(tmp_path: Path) -> None:
    """Without mail_from nobody can confirm a sign-up, and the warning names the categories (L2)."""
    path = written(tmp_path)
    text = path.read_text().replace('title = "', 'double_opt_in = true\ntitle = "', 1)
    path.write_text(text)
    sender = tmp_path / "sender.toml"
    sender.write_text(text.replace('country = "NL"', 'country = "NL"\nmail_from = "info@shop.example"'))

    (warning,) = warnings(load(path, {}))
    assert (warning.key, warning.mend) == ("controller[shop].mail_from", "a mailbox to send from")
    assert warning.fault == "nobody can sign up to newsletter"
    assert "controller[shop].mail_from" not in [
        one.key for one in warnings(load(sender, {})) if "sign up" in one.fault
    ]


@pytest.mark.parametrize(
    ("mail_from", "signs", "faults"),
    [
        ("info@shop.example", "false", []),
        ("info@other.example", "false", ["what it sends goes out unsigned"]),
        ("info@other.example", "true", ["the [[dkim]] keys sign nothing: the smarthost is said to sign"]),
    ],
)
def test_a_sender_for_whom_nobody_signs_is_a_warning(
    tmp_path: Path, mail_from: str, signs: str, faults: list[str]
) -> None:
    """Receipts from a domain without a key go out, but unsigned, unless the smarthost signs for us."""
    path = written(tmp_path)
    text = path.read_text().replace('country = "NL"', f'country = "BE"\nmail_from = "{mail_from}"')
    key = '[[dkim]]\ndomain = "shop.example"\nselector = "s1"\nprivate_key_file = "key.pem"\n'
    (tmp_path / "key.pem").write_bytes(new_key("ed25519"))
    path.write_text(text.replace("signs = true", f"signs = {signs}") + key)

    assert [warning.fault for warning in warnings(load(path, {}))] == faults


def test_lacks_that_hold_back_marketing_are_warnings(tmp_path: Path) -> None:
    """A controller without policy or address may be configured; it is warned of (L20, L22)."""
    path = written(
        tmp_path, drop=("postal_address", "privacy_policy_url", "privacy_policy_mentions_marketing")
    )

    keys = {warning.key for warning in warnings(load(path, {}))}

    assert keys == {
        "controller[shop].postal_address",
        "controller[shop].privacy_policy_url",
        "controller[shop].privacy_policy_mentions_marketing",
    }


def test_a_login_domain_without_a_key_is_a_fault_only_where_we_sign(tmp_path: Path) -> None:
    """With smarthost.signs = false every From: domain needs its own [[dkim]] key, RSA or Ed25519."""
    path = written(tmp_path)
    text = path.read_text().replace("signs = true", "signs = false")
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(path, {})

    (tmp_path / "key.pem").write_bytes(new_key("ed25519"))
    key = '\n[[dkim]]\ndomain = "shop.example"\nselector = "s1"\nprivate_key_file = "key.pem"\n'
    path.write_text(text + key)

    assert [fault.key for fault in refused.value.faults] == ["login[tool].from_domains"]
    assert load(path, {}).dkim[0].private_key_file == tmp_path / "key.pem"


# --- environment and paths


def test_the_environment_sets_any_key(tmp_path: Path) -> None:
    """SENDRIGHT_SECTION__KEY beats the file, lists with commas, numbers and booleans as TOML writes them."""
    environ = {
        "SENDRIGHT_SMTP__LISTEN": "127.0.0.1:1, [::1]:2",
        "SENDRIGHT_SMTP__MAX_RECIPIENTS": "123",
        "SENDRIGHT_SMARTHOST__SIGNS": "true",
        "SENDRIGHT_GATEWAY__STATE_DIR": "/elsewhere",
        "SENDRIGHT_CONFIG": "ignored",
        "PATH": "/bin",
    }

    config = load(written(tmp_path), environ)

    assert config.smtp.listen == (Listen("127.0.0.1", 1), Listen("::1", 2))
    assert config.smtp.max_recipients == 123
    assert config.gateway.keys_file == Path("/elsewhere/keys.json")
    assert config.store.url == "sqlite+aiosqlite:////elsewhere/sendright.db"


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    """SENDRIGHT_SMARTHOST__PASSWORD_FILE names a file with the password; it is never shown."""
    (tmp_path / "secret").write_text("s3cret\n")
    environ = {
        "SENDRIGHT_SMARTHOST__USERNAME": "me",
        "SENDRIGHT_SMARTHOST__PASSWORD_FILE": str(tmp_path / "secret"),
    }

    config = load(written(tmp_path), environ)
    beside = load(written(tmp_path), environ | {"SENDRIGHT_SMARTHOST__PASSWORD_FILE": "secret"})

    assert beside.smarthost == config.smarthost, "a relative path is relative to the file"
    assert config.smarthost.password is not None
    assert config.smarthost.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize("password", ["true", "[1]", "12345678", "a,b"])
def test_a_password_is_taken_as_it_is(tmp_path: Path, password: str) -> None:
    """What looks like a boolean, list or number is text where text is meant."""
    environ = {"SENDRIGHT_SMARTHOST__USERNAME": "me", "SENDRIGHT_SMARTHOST__PASSWORD": password}

    taken = load(written(tmp_path), environ).smarthost.password

    assert taken is not None
    assert taken.get_secret_value() == password


def test_the_environment_sets_keys_of_tables_and_terms(tmp_path: Path) -> None:
    """The only table of its kind needs no name, one of several does; a term is named by its class."""
    other = '\n[[login]]\nname = "web-shop"\ncontroller = "shop"\nfrom_domains = ["web.example"]\n'
    path = written(tmp_path)
    path.write_text(path.read_text() + other)
    environ = {
        "SENDRIGHT_CONTROLLER__NAME": "De Winkel BV",
        "SENDRIGHT_LOGIN__TOOL__FROM_DOMAINS": "a.example, b.example",
        "SENDRIGHT_LOGIN__WEB_SHOP__SECRET_HASH": "sha256:" + "2" * 64,
        "SENDRIGHT_RETENTION__JOURNAL__KEEP_AT_LEAST_DAYS": "30",
        "SENDRIGHT_RETENTION__JOURNAL__KEEP_AT_MOST_DAYS": "90",
        "SENDRIGHT_RETENTION__JOURNAL__REASON": "to answer complaints",
    }

    config = load(path, environ)

    assert config.controllers["shop"].name == "De Winkel BV"
    assert config.logins["tool"].from_domains == {"a.example", "b.example"}
    assert config.logins["web-shop"].secret_hash == "sha256:" + "2" * 64
    assert config.retention["journal"].keep_at_most_days == 90


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENDRIGHT_NONSENSE__KEY", "1"),
        ("SENDRIGHT_SMTP", "1"),
        ("SENDRIGHT_SMTP__NONSENSE", "1"),
        ("SENDRIGHT_SMTP__LISTEN__PORT", "1"),
        ("SENDRIGHT_SMTP__LISTEN", "eight"),
        ("SENDRIGHT_SMTP__MAX_RECIPIENTS", "many"),
        ("SENDRIGHT_SMTP__REQUIRE_TLS", "perhaps"),
        ("SENDRIGHT_GATEWAY__WORKERS", "0"),
        ("SENDRIGHT_GATEWAY__STATE_DIR", "\udcff"),
        ("SENDRIGHT_LOGIN__NOBODY__SECRET_HASH", "1"),
        ("SENDRIGHT_TOKEN__SECRET_HASH", "1"),
        ("SENDRIGHT_RETENTION__NONSENSE__REASON", "1"),
        ("SENDRIGHT_SMARTHOST__PASSWORD_FILE", "/nonexistent"),
    ],
)
def test_an_environment_variable_that_cannot_be_set_is_a_fault(tmp_path: Path, name: str, value: str) -> None:
    """A misspelt variable is told, not ignored; one with a wrong value is named, not the file."""
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path), {name: value})

    assert [(fault.file, fault.key) for fault in refused.value.faults] == [("environment", name)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENDRIGHT_SMARTHOST__PORT", "abc"),
        ("SENDRIGHT_GATEWAY__PUBLIC_URL", "http://shop.example"),
        ("SENDRIGHT_GATEWAY__WORKERS", "41"),
        ("SENDRIGHT_SMARTHOST__PASSWORD", "without a user name"),
    ],
)
def test_a_wrong_value_from_the_environment_is_told_of_its_variable(
    tmp_path: Path, name: str, value: str
) -> None:
    """Nobody is sent to look in the file for what the file does not say."""
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path), {name: value})

    assert [(fault.file, fault.key) for fault in refused.value.faults] == [("environment", name)]


def test_a_secret_given_twice_is_a_fault(tmp_path: Path) -> None:
    """A password and a file with the password contradict each other: neither is guessed at."""
    (tmp_path / "secret").write_text("s3cret\n")
    environ = {
        "SENDRIGHT_SMARTHOST__USERNAME": "me",
        "SENDRIGHT_SMARTHOST__PASSWORD": "other",
        "SENDRIGHT_SMARTHOST__PASSWORD_FILE": "secret",
    }

    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path), environ)

    assert [fault.key for fault in refused.value.faults] == ["SENDRIGHT_SMARTHOST__PASSWORD_FILE"]


def test_which_file_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config first, then $SENDRIGHT_CONFIG, then ./config/gateway.toml, then the one in /etc."""
    monkeypatch.chdir(tmp_path)
    environ = {"SENDRIGHT_CONFIG": "from-environment.toml"}

    assert find(Path("given.toml"), environ) == Path("given.toml")
    assert find(None, environ) == Path("from-environment.toml")
    assert find(None, {}) == Path("config/gateway.toml")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "gateway.toml").touch()
    assert find(None, {}) == Path("config/gateway.toml")


def test_what_depends_on_other_keys_follows_them(tmp_path: Path) -> None:
    """Keys file and store lie in the state directory; admin listener and envelope domains follow too."""
    config = load(written(tmp_path), {})

    assert config.gateway.keys_file == tmp_path / "state" / "keys.json"
    assert config.store.url == f"sqlite+aiosqlite:///{tmp_path}/state/sendright.db"
    assert config.http.admin_listen == config.http.listen
    assert config.logins["tool"].envelope_domains == config.logins["tool"].from_domains == {"shop.example"}


def written(folder: Path, *, drop: tuple[str, ...] = ()) -> Path:
    """A sound configuration in a folder, without the keys to drop."""
    lines = GOOD.read_text().splitlines(keepends=True)
    path = folder / "gateway.toml"
    path.write_text("".join(line for line in lines if line.split(" = ")[0] not in drop))
    return path


def test_room_for_less_than_the_largest_message_is_a_warning(tmp_path: Path) -> None:
    """It is no fault, since a message that is alone always fits; it is said all the same."""
    environ = {"SENDRIGHT_SMTP__MAX_BYTES_IN_FLIGHT": "1000"}

    assert [warning.key for warning in warnings(load(written(tmp_path), environ))] == [
        "smtp.max_bytes_in_flight"
    ]
