"""The store: evidence and the journal of mail on SQLite, one writer thread a process (design section 6).

tables.py says what is kept, writer.py how it is committed, ledger.py and journal.py are the ports,
log.py reads the journal, database.py makes, upgrades and opens the file.
"""
