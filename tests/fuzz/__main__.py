"""make fuzz: atheris (libFuzzer) over all of mail/, from the goldens and the kept seeds."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gateway.mail"]):
    from tests.fuzz.claims import check

FOUND = Path("build/fuzz")  # what it learns, and findings as crash-*, timeout-*, oom-*
SEEDS = ("tests/fuzz/seeds", "tests/mail/golden")


def main() -> None:
    """Run until -max_total_time, or until the first finding, with any further options of libFuzzer."""
    corpus = FOUND / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        "-dict=tests/fuzz/mail.dict",
        f"-artifact_prefix={FOUND}/",
        "-max_len=8192",
        "-timeout=20",
        "-rss_limit_mb=2048",
    ]
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(corpus), *SEEDS], check)
    atheris.Fuzz()


main()
