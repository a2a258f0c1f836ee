"""The configuration: documented once, typed, and every fault of it told at once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gateway.config import ConfigError, Fault, Listen, find, load, warnings
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


def test_the_sample_runs_as_it_stands() -> None:
    """The sample is a sound configuration of a gateway that can start on a fresh machine."""
    config = load(SAMPLE, {})

    assert warnings(config) == ()
    assert config.gateway.state_dir == ROOT / "state"


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

    assert config.smarthost.password is not None
    assert config.smarthost.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENDRIGHT_NONSENSE__KEY", "1"),
        ("SENDRIGHT_SMTP__NONSENSE", "1"),
        ("SENDRIGHT_SMARTHOST__PASSWORD_FILE", "/nonexistent"),
    ],
)
def test_an_environment_variable_that_sets_nothing_is_a_fault(tmp_path: Path, name: str, value: str) -> None:
    """A misspelt variable is told, not ignored."""
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path), {name: value})

    assert Fault("environment", name, refused.value.faults[0].fault, refused.value.faults[0].mend)
    assert [fault.key for fault in refused.value.faults] == [name]


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
