"""All that is held on a person, so that they can read it and anybody can check it (L25, GDPR 15).

records.py    what the store gives: rows, also as they are stored
gathering.py  the story: who is responsible, evidence, standing now, decisions, terms
document.py   the same as JSON, signed: the portable copy (GDPR 20), which deploy/verify_export.py checks
consents.py   consents in the shape of ISO/IEC TS 27560, as JSON-LD
page.py       the same as one readable page of HTML
"""

from gateway.dossier.document import DossiersAsJson as DossiersAsJson
from gateway.dossier.document import document as document
from gateway.dossier.gathering import Dossier as Dossier
from gateway.dossier.gathering import dossier as dossier
from gateway.dossier.page import page as page
from gateway.dossier.page import sections as sections
