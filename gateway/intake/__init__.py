"""Story 3: rows become evidence on record.

    file or list -> raw rows -> checked rows -> ledger -> Imported

fields.py   one value of a row: text, time, yes or no, names
kinds.py    what each kind of evidence must and may carry (law.md section 3)
rows.py     one raw row, checked: Accepted or Rejected (pure)
files.py    CSV and JSON lines, read as a stream
lists.py    the same for a list of addresses alone
recording.py  the order in which rows take effect, and what came of them
together.py rows that are all put on record, or none
"""

from gateway.intake.fields import FIELDS, RawRow
from gateway.intake.files import EvidenceFile, FileError
from gateway.intake.lists import AddressFile
from gateway.intake.recording import Imported, import_file, record
from gateway.intake.rows import Accepted, Desk, Rejected
from gateway.intake.together import RowFault, RowsRejectedError, Taken, check_together, record_together

__all__ = [
    "FIELDS",
    "Accepted",
    "AddressFile",
    "Desk",
    "EvidenceFile",
    "FileError",
    "Imported",
    "RawRow",
    "Rejected",
    "RowFault",
    "RowsRejectedError",
    "Taken",
    "check_together",
    "import_file",
    "record",
    "record_together",
]
