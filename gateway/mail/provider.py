"""Control fields: ours, Bcc, and those by which a provider would act on the mail behind our back.

A provider (the smarthost may be one) reads instructions from header fields. Two kinds would undo a
decision and never go on: those that add recipients, nobody having decided on them (I1), and those that
put the provider's own unsubscribe, or another content, in place of ours (L10, L22).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

_OURS = "x-sendright-"
_BLIND = frozenset({"bcc", "resent-bcc"})  # RFC 5322 section 3.6.3: not for the recipient's eyes

# Each with what the provider would do on it.
PROVIDER_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "x-smtpapi": 'SendGrid: mails whoever "to" names; puts its own unsubscribe group or footer',
        "x-msys-api": 'SparkPost: mails whoever "cc", "bcc" and "archive" name; its own unsubscribe field',
        "x-ses-list-management-options": "Amazon SES: replaces List-Unsubscribe, withholds by its own list",
        "x-mc-bccaddress": "Mandrill: mails a copy to that address",
        "x-mc-template": "Mandrill: puts a stored template in place of the content, notice and all",
        "x-mailgun-recipient-variables": "Mailgun: names recipients of a batch, fills in its own links",
        "x-mailgun-template-name": "Mailgun: puts a stored template in place of the content",
        "x-mj-templateid": "Mailjet: puts a stored template in place of the content",
        "x-pm-message-stream": "Postmark: a broadcast stream adds its own unsubscribe link and field",
    }
)
# Names under which JSON control fields list recipients, at any depth (SendGrid's bcc filter is nested).
_NAMING = frozenset({"to", "cc", "bcc", "archive", "recipients", "personalizations"})


def is_control(key: str) -> bool:
    """Whether a field of this lower-case name is for the gateway or a provider, not for the recipient."""
    return key.startswith(_OURS) or key in _BLIND or key in PROVIDER_FIELDS


def names_recipients(key: str, value: bytes) -> bool:
    """Whether a provider would mail somebody because of this field; what cannot be read counts as yes."""
    if key == "x-mc-bccaddress":
        return bool(value)
    if key == "x-mailgun-recipient-variables":
        return bool(value) and _json_names(value, every_key=True)
    return key in ("x-smtpapi", "x-msys-api") and bool(value) and _json_names(value)


def _json_names(value: bytes, *, every_key: bool = False) -> bool:
    named: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> dict[str, object]:
        """Sees every object at any depth, and a key given twice both times."""
        named.extend(key for key, it in pairs if every_key or (key.strip().lower() in _NAMING and it))
        return dict(pairs)

    try:
        return not isinstance(json.loads(value, object_pairs_hook=look), dict) or bool(named)
    except (ValueError, RecursionError):
        return True
