"""The commands, one file per group (contract section 2). They parse and print, and decide nothing.

terminal.py  exit codes, options that many commands share, printing, what a failure looks like
setting_up.py  check-config, secret, db
operators.py   operator add, list, revoke
signing.py     dkim new, dkim record
recording.py   import, object
asking.py      decide, log
doubts.py      log --doubts
campaign.py    precheck
proving.py     verify
dossier.py     dossier
ending.py      erase, retention
running.py     serve, demo
"""
