"""The keys file: made once, for its owner alone, whole or not used at all (L26; contract `keys_file`)."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import keys as keys_file
from gateway.keys import Keys, KeysError
from gateway.tokens import Opener, Token, seal

PERSON = bytes(range(32))
KEYS = Keys(PERSON, {1: b"\1" * 64})
ENTRY = {"id": 1, "key": "01" * 64}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the keys go, in a folder that is not there yet."""
    return tmp_path / "state" / "keys.json"


def test_the_file_is_its_owners_alone(path: Path) -> None:
    """Mode 0600 from the first moment, whatever the mask."""
    before = os.umask(0)
    try:
        keys_file.create(path)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600


def test_what_was_made_is_what_is_read(path: Path) -> None:
    """The keys in use are those on disk."""
    assert keys_file.create(path) == keys_file.load(path)


def test_keys_are_never_overwritten(path: Path) -> None:
    """A second create raises FileExistsError and leaves the file as it was."""
    keys_file.create(path)
    before = path.read_bytes()

    with pytest.raises(FileExistsError):
        keys_file.create(path)

    assert path.read_bytes() == before


def test_a_full_disk_leaves_no_half_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file cannot be made durable there is none, and the next start may try again."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            keys_file.create(path)

    assert not path.exists()
    assert keys_file.create(path) == keys_file.load(path)


def test_fresh_keys_are_never_the_same() -> None:
    """Two installations share no key."""
    one, other = keys_file.fresh(), keys_file.fresh()

    assert one.person != other.person
    assert one.token != other.token
    assert one.check != other.check


def test_no_file_is_told_apart_from_a_bad_one(path: Path) -> None:
    """Where there is no file yet, FileNotFoundError says so: then one may be made."""
    with pytest.raises(FileNotFoundError):
        keys_file.load(path)


def written(person: object = PERSON.hex(), token: object = (ENTRY,)) -> str:
    """A keys file's text."""
    return json.dumps({"person": person, "token": token})


FAULTS = {
    "empty": ("", "not a readable keys file"),
    "not JSON": ("person = 1", "not a readable keys file"),
    "not ASCII": ('{"person": "é"}', "not a readable keys file"),
    "a list": ("[]", "not a readable keys file"),
    "without person": ('{"token": []}', "'person'"),
    "without token": (json.dumps({"person": PERSON.hex()}), "'token'"),
    "token without key": (written(token=[{"id": 1}]), "'key'"),
    "token without id": (written(token=[{"key": "01" * 64}]), "'id'"),
    "not hexadecimal": (written(person="zz" * 32), "non-hexadecimal"),
    "number for a key": (written(person=7), "not a readable keys file"),
    "person too short": (written(person="00" * 31), "wrong length"),
    "person too long": (written(person="00" * 33), "wrong length"),
    "token too short": (written(token=[ENTRY, {"id": 2, "key": "01" * 63}]), "wrong length"),
    "no token": (written(token=[]), "no token key"),
    "id too great": (written(token=[ENTRY | {"id": 256}]), "from 0 to 255"),
    "id below nought": (written(token=[ENTRY | {"id": -1}]), "from 0 to 255"),
    "id as text": (written(token=[ENTRY | {"id": "1"}]), "from 0 to 255"),
    "id as a fraction": (written(token=[ENTRY | {"id": 1.5}]), "from 0 to 255"),
    "id as truth": (written(token=[ENTRY | {"id": True}]), "from 0 to 255"),
    "the same id twice": (written(token=[ENTRY, {"id": 1, "key": "02" * 64}]), "the same id"),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_every_fault_names_itself_and_the_file(tmp_path: Path, text: str, fault: str) -> None:
    """A file with any fault is not used; the message says where and what, and no key's octets."""
    path = tmp_path / "keys.json"
    path.write_text(text, "utf-8")

    with pytest.raises(KeysError) as raised:
        keys_file.load(path)

    assert str(path) in str(raised.value)
    assert fault in str(raised.value)
    assert "0101" not in str(raised.value)


def test_a_folder_in_its_place_is_a_fault(tmp_path: Path) -> None:
    """What cannot be read for any other reason than absence is a KeysError too."""
    with pytest.raises(KeysError):
        keys_file.load(tmp_path)


@given(
    st.binary(min_size=32, max_size=32),
    st.dictionaries(st.integers(0, 255), st.binary(min_size=64, max_size=64), min_size=1, max_size=4),
)
def test_what_is_dumped_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, person: bytes, token: dict[int, bytes]
) -> None:
    """No key is lost or changed on its way through the file."""
    path = tmp_path_factory.getbasetemp() / "round.json"
    keys = Keys(person, token)
    path.write_text(keys.dump())

    assert keys_file.load(path) == keys


def test_the_highest_id_seals_and_all_open() -> None:
    """After a rotation new links are under the newest key, and those already sent still work (L11)."""
    token = Token(7, bytes(16), "shop", "news", consent=True)
    rotated = Keys(PERSON, {1: b"\1" * 64, 3: b"\3" * 64, 2: b"\2" * 64})
    links = [seal(token, KEYS), seal(token, rotated)]

    assert links[1] == seal(token, Keys(PERSON, {3: b"\3" * 64}))
    assert links[0] != links[1]
    assert [Opener(rotated, ["shop"], ["news"]).unseal(link) for link in links] == [token] * 2


def test_a_person_has_another_hash_with_each_controller() -> None:
    """Nothing about one controller reaches another (I8)."""
    assert KEYS.hash("shop", "kim@example.org") != KEYS.hash("club", "kim@example.org")
    assert len(KEYS.hash("shop", "kim@example.org")) == 16


def test_a_digest_serves_one_purpose() -> None:
    """16 octets that differ by purpose, by content, and from where one ends and the other begins."""
    digests = [
        KEYS.digest("fingerprint", b"x"),
        KEYS.digest("evidence", b"x"),
        KEYS.digest("fingerprint", b"y"),
        KEYS.digest("fingerprin", b"tx"),
        Keys(b"\1" * 32, KEYS.token).digest("fingerprint", b"x"),
    ]

    assert len(set(digests)) == 5
    assert {len(one) for one in digests} == {16}


def test_the_check_tells_keys_apart_and_nothing_of_them() -> None:
    """It hangs on the person key alone, so that a new token key changes nothing for the store."""
    assert KEYS.check == Keys(PERSON, {1: b"\1" * 64, 2: b"\2" * 64}).check
    assert KEYS.check != Keys(b"\1" * 32, KEYS.token).check
    assert PERSON.hex() not in KEYS.check


def test_keys_do_not_show_themselves() -> None:
    """What is printed, logged or stands in a traceback holds no key (L26)."""
    assert repr(KEYS) == "Keys()"


def test_a_digest_is_never_the_hash_of_a_person() -> None:
    """What is hashed for another purpose cannot be taken for a person's name on record."""
    made = keys_file.fresh()

    assert made.digest("shop", b"a@b.example") != made.hash("shop", "a@b.example")
