"""`python -m gateway`: the `sendright` program."""

from gateway.cli import main

main()
