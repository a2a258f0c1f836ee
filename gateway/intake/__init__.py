"""Story 3: rows become evidence on record.

    file or list -> raw rows -> checked rows -> ledger -> Imported

fields.py   one value of a row: text, time, yes or no, names
kinds.py    what each kind of evidence must and may carry (law.md section 3)
rows.py     one raw row, checked: Accepted or Rejected (pure)
files.py    CSV and JSON lines, read as a stream
recording.py  the order in which rows take effect, and what came of them
"""

from gateway.intake.fields import FIELDS, RawRow
from gateway.intake.files import EvidenceFile, FileError
from gateway.intake.recording import Imported, import_file, record
from gateway.intake.rows import Accepted, Desk, Rejected

__all__ = [
    "FIELDS",
    "Accepted",
    "Desk",
    "EvidenceFile",
    "FileError",
    "Imported",
    "RawRow",
    "Rejected",
    "import_file",
    "record",
]
