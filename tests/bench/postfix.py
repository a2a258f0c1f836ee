"""Private Postfix instances on loopback that relay everything to one port, with OpenDKIM or without."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.contender import Contender
from tests.bench.sink import await_port, free_port

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
default_destination_recipient_limit = 1
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

OPENDKIM = """\
Mode s
Syslog no
Domain shop.example
Selector bench
KeyFile {key}
RequireSafeKeys no
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
Socket local:{root}/socket
UMask 000
"""


@contextmanager
def relaying(root: Path, port: int, sink: int, milter: str = "") -> Iterator[int]:
    """Postfix listening on `port` and relaying to `sink`, all under `root`: its master's process id.

    A copy for each recipient, as whoever adds a way out to mail must send it. `milter` filters what comes in.
    """
    etc = root / "etc"
    for folder in (etc, root / "spool", root / "data"):
        folder.mkdir(parents=True)
    for folder in (root.parent, root):
        folder.chmod(0o755)  # the postfix user must get through
    shutil.chown(root / "data", "postfix")
    filters = f"smtpd_milters = {milter}\nmilter_default_action = tempfail\n" if milter else ""
    (etc / "main.cf").write_text(MAIN.format(root=root, sink=sink) + filters)
    (etc / "master.cf").write_text(MASTER.format(port=port))
    shutil.copy("/etc/postfix/dynamicmaps.cf", etc)
    subprocess.run(["postfix", "-c", etc, "start"], check=True, capture_output=True)
    try:
        yield int((root / "spool/pid/master.pid").read_text())
    finally:
        subprocess.run(["postfix", "-c", etc, "stop"], check=False, capture_output=True)


@contextmanager
def plain(folder: Path, sink: int) -> Iterator[Contender]:
    """Postfix as a plain relay."""
    port = free_port()
    with relaying(folder / "postfix", port, sink) as pid:
        await_port(port)
        yield Contender("postfix", port, (pid,))


@contextmanager
def signing(folder: Path, sink: int, key: Path) -> Iterator[Contender]:
    """Postfix with OpenDKIM as its milter, which signs with RSA-2048."""
    root, port = folder / "opendkim", free_port()
    root.mkdir()
    conf = root / "opendkim.conf"
    conf.write_text(OPENDKIM.format(root=root, key=key.absolute()))
    milter = subprocess.Popen(["opendkim", "-f", "-x", conf])
    try:
        with relaying(root / "postfix", port, sink, f"unix:{root}/socket") as pid:
            await_port(port)
            yield Contender("postfix+opendkim", port, (pid, milter.pid))
    finally:
        milter.terminate()
        milter.wait()
