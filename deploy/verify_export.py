"""Checks a dossier exported by Sendright, without Sendright: python verify_export.py dossier.json [--key HEX]

Needs Python 3.11 and `cryptography`, nothing of the gateway. With --key, the installation's public key as you
have it from elsewhere, the file must be signed with that very key. Exit status: 0 all holds, 1 something does
not (each fault is named), 2 there is nothing to check.
"""

import argparse
import json
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COLUMNS = {  # of each stream, in the order in which a row's digest covers them
    "ledger": "id controller person kind occurred_at recorded_at facts content digest place writer n",
    "decisions": "id submission controller day decided_at person login category category_asked channel "
    "decision relaxed ground reason evidence customer pack pack_version head configuration digest writer n",
    "fates": "decision fate at code enhanced stage digest writer n",
    "acts": "id at act controller person digest writer n",
}
SAYS = """signed    the whole file, made at {made_at}, with the key {key}
rows      {rows}: each fits its link, and those that follow one another do so
details   {details} are as they were recorded; {erased} were erased since
evidence  without a gap; no decision rests on what was not yet on record
seals     {sealed} of {rows} rows were under a seal when the file was made"""
canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def is_signed(key, signature, octets):
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), octets)
    except (InvalidSignature, ValueError):
        return False
    return True


def once_each(pairs):  # of a name given twice, readers would choose differently: nothing of it is taken
    return dict(pairs) if len(dict(pairs)) == len(pairs) else {}


def as_said(name, value):  # a stored value, as the words beside the row say it
    if name in ("facts", "evidence"):
        value = json.loads(value)
        return {one: as_said(one, of) for one, of in value.items()} if name == "facts" else value
    if value is not None and (name == "at" or name.endswith("_at")):
        return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=value)).isoformat()
    return bool(value) if name == "relaxed" else value


class Check:
    def __init__(self):
        self.faults, self.chains, self.sealed = [], {}, set()
        self.count = Counter(rows=0, details=0, erased=0)

    def hold(self, holds, what, otherwise):
        if not holds:
            self.faults.append(f"FAULT  {what}: {otherwise}")

    def document(self, body, signature, key):
        octets = b"sendright dossier\n" + canonical(body).encode()
        self.hold(is_signed(body["key"], signature, octets), "file", "the signature does not fit it")
        self.hold(key in (None, body["key"]), "file", f"signed with another key, {body['key']}")
        for section in body["sections"]:
            self.section(section)
        for seal in (one for section in body["sections"] for one in section["seals"]):
            self.seal(seal, f"seal {seal['id']}", body["key"])
        for (stream, writer), rows in self.chains.items():
            for n, (before, _) in rows.items():
                last = "00" * 32 if n == 1 else rows[n - 1][1] if n - 1 in rows else before
                self.hold(before == last, f"{stream} of writer {writer}", f"row {n} follows another")

    def section(self, section):
        evidence, decisions = section["evidence"], section["decisions"]
        whose = {"controller": section["controller"]["id"], "person": section["person"]}
        fates = [one["fate"] for one in decisions if one["fate"] is not None]
        for stream, entries in zip(COLUMNS, (evidence, decisions, fates, section["acts"]), strict=True):
            for one in entries:
                self.entry(stream, one, one["stored"], one["stored"]["row"], whose)
        rows = {one["id"]: one["stored"]["row"] for one in evidence}
        places = [row["place"] for row in rows.values()]
        self.hold(places == [*range(1, len(evidence) + 1)], "evidence", "has a gap")
        refusals = [one["id"] for one in evidence if one["kind"] in ("objection", "withdrawal")]
        self.hold(refusals == section["refusals"], "refusals", "are not those of the evidence")
        for one in decisions:
            self.decision(one, f"decision {one['id']}", one["stored"]["row"], rows)

    def entry(self, stream, entry, stored, row, whose):
        columns, salt = COLUMNS[stream].split(), stored["salt"]
        name = f"{stream} {row[columns[0]]}"
        digest = sha256(canonical([row[one] for one in columns]).encode()).digest()
        link = sha256(bytes.fromhex(stored["before"]) + digest).hexdigest()
        self.hold(link == stored["link"] and len(row) == len(columns), name, "does not fit its link")
        for one in entry.keys() & columns:
            words, value = entry[one], as_said(one, row[one])
            fits = words.items() >= value.items() if one == "facts" else words == value
            self.hold(fits, name, f"{one} is not what the row says")
        self.hold(stream == "fates" or whose.items() <= row.items(), name, "is about somebody else")
        details = sha256(bytes.fromhex(salt or "") + canonical(entry["details"]).encode()).hexdigest()
        fits = details == row["digest"] if salt else entry["details"] is None
        self.hold(fits and entry["erased"] == (not salt), name, "details are not those recorded")
        self.count.update(["rows", "details" if salt else "erased"])
        chain = self.chains.setdefault((stream, row["writer"]), {})
        self.hold(row["n"] not in chain, name, "another row has its place in the chain")
        chain[row["n"]] = (stored["before"], stored["link"])

    def decision(self, one, name, row, evidence):
        head = len(evidence) if row["head"] is None else row["head"]  # null: from before heads were kept
        self.hold(head <= len(evidence), name, "was made on more evidence than there is")
        for number in one["evidence"]:
            fact = evidence.get(number, {"place": head + 1, "occurred_at": 0})
            self.hold(fact["place"] <= head, name, f"evidence {number} was not on record then")
            in_time = row["decision"] != "send" or fact["occurred_at"] <= row["decided_at"]
            self.hold(in_time, name, f"evidence {number} is of a later time")
        if one["fate"] is not None:
            self.hold(one["fate"]["stored"]["row"]["decision"] == one["id"], name, "has another's fate")
            self.hold(row["decision"] == "send" or row["relaxed"], name, "was withheld, yet has a fate")

    def seal(self, seal, name, key):
        octets = f"sendright seal\n{seal['at']}\n{seal['writer']}\n{seal['heads']}".encode()
        self.hold(is_signed(seal["key"], seal["signature"], octets), name, "was altered")
        self.hold(seal["key"] == key, name, "was made with another key than the file's")
        for writer, stream, n, link in json.loads(seal["heads"]):
            rows = self.chains.get((stream, writer), {})
            self.hold(n not in rows or rows[n][1] == link, name, f"{stream}: row {n} of {writer} was changed")
            self.sealed |= {(stream, writer, place) for place in rows if place <= n}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=str.lower, help="the installation's public key, in hex")
    asked, check = parser.parse_args(), Check()
    try:
        body = json.loads(asked.file.read_bytes(), object_pairs_hook=once_each)
        signature = {"sendright-dossier/1": body}[body["format"]].pop("signature", "")
    except (OSError, ValueError, LookupError, TypeError) as error:
        parser.error(f"{asked.file} is no dossier of a format known here: {error!r}")
    try:
        check.document(body, signature, asked.key)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        check.hold(False, "file", f"something is missing, or not of its kind: {error!r}")
    for line in check.faults or [SAYS.format(**body, **check.count, sealed=len(check.sealed))]:
        print(line)
    sys.exit(1 if check.faults else 0)
