"""A private Postfix instance on loopback that relays everything to one port."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/spool
data_directory = {root}/data
maillog_file = {root}/log
maillog_file_prefixes = {root}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.test.example
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
relayhost = [127.0.0.1]:{sink}
disable_dns_lookups = yes
smtp_tls_security_level = none
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_destination_concurrency_limit = 100
initial_destination_concurrency = 100
default_process_limit = 200
"""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


@contextmanager
def relaying(root: Path, port: int, sink: int) -> Iterator[None]:
    """Postfix listening on `port` and relaying to `sink`, with queue and log under `root`."""
    etc = root / "etc"
    for folder in (etc, root / "spool", root / "data"):
        folder.mkdir(parents=True)
    for folder in (root.parent, root):
        folder.chmod(0o755)  # the postfix user must get through
    shutil.chown(root / "data", "postfix")
    (etc / "main.cf").write_text(MAIN.format(root=root, sink=sink))
    (etc / "master.cf").write_text(MASTER.format(port=port))
    shutil.copy("/etc/postfix/dynamicmaps.cf", etc)
    subprocess.run(["postfix", "-c", etc, "start"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["postfix", "-c", etc, "stop"], check=False, capture_output=True)
