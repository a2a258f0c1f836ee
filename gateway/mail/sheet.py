"""Which elements a page's style sheets hide, on some screen or in some reader (L10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Declarations that hide an element with all that is in it.
HIDES = (
    rb"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*(?:0+(?:\.0\d*)?|\.0\d*)(?![\d.])"
    rb"|max-height\s*:\s*0|mso-hide\s*:|left\s*:\s*-\d{3}|top\s*:\s*-\d{3}|text-indent\s*:\s*-\d{3}"
)
_HIDING = re.compile(HIDES, re.IGNORECASE)
_START = re.compile(rb"<style[\s>]", re.IGNORECASE)
_END = re.compile(rb"</style", re.IGNORECASE)
_COMMENT = re.compile(rb"/\*[^*]*(?:\*(?!/)[^*]*)*\*/")
_LABEL = re.compile(rb"[.#]([\w-]+)|\[(?:class|id)[~*^$|]?=[\"']?([\w-]+)")
_NAME = re.compile(rb"[a-z][a-z0-9]*\Z")
_LABELS = re.compile(rb"\s(?:class|id)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_WHOLE_PAGE = (b"html", b"body")  # AMP's are hidden until they are loaded


@dataclass(slots=True)
class Sheet:
    """Classes and ids, and names of elements, that some rule hides; in lower case."""

    labels: set[bytes] = field(default_factory=set)
    names: set[bytes] = field(default_factory=set)

    def hides(self, name: bytes, tag: bytes) -> bool:
        """Whether a rule may be for this start tag."""
        if name in self.names:
            return True
        values = (b"".join(match).lower().split() for match in _LABELS.findall(tag) if self.labels)
        return any(not self.labels.isdisjoint(value) for value in values)


def sheet(text: bytes) -> Sheet:
    """What all style sheets of a page hide. Only the last part of a selector says of which element."""
    found = Sheet()
    for selector in _hiding_selectors(text):
        last = selector.lower().split()[-1:]
        for compound in last:
            labels = {label for match in _LABEL.findall(compound) for label in match if label}
            found.labels |= labels
            if not labels and _NAME.match(compound) and compound not in _WHOLE_PAGE:
                found.names.add(compound)
    return found


def _hiding_selectors(text: bytes) -> Iterator[bytes]:
    at = 0
    while (start := _START.search(text, at)) and (end := _END.search(text, start.end())):
        at = end.end()
        if not _HIDING.search(text, start.end(), end.start()):
            continue
        for rule in _COMMENT.sub(b" ", text[start.end() : end.start()]).split(b"}"):
            before, _, declarations = rule.rpartition(b"{")
            if _HIDING.search(declarations):
                yield from before.rpartition(b"{")[2].split(b",")
