"""Sendright: an SMTP gateway that lets marketing mail through only where the law allows it.

The house has floors; a file imports only from lower floors or its own folder:

    0 address.py                     one mailbox in one comparable spelling, and its keyed hash
    1 law/                           pure: evidence, standing, category, decision, country packs
    2 envelope.py keys.py tokens.py config.py listening.py metrics.py texts.py look.py
      typical.py
    3 mail/                          pure, bytes to bytes: structure, notice, rewrite, signature, report
    4 ports.py                       what the stories ask of the world
    5 submission.py objecting.py intake/       the stories: read these first; then
      precheck.py receipts.py dossier/ replay.py erasing.py retaining.py signing_in.py
    6 store/ smtp/ web/              the edges, which never import one another
    7 app.py                         the composition root: the one file that knows all edges
      workers/                       one supervisor, and the processes that share the work
    8 cli.py __main__.py
"""

__version__ = "0.1.0"
