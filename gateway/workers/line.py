"""What supervisor and worker say to each other, over a pair of sockets that is theirs alone.

    worker:     ready                 it listens
                figures F             its figures, asked for or as it ends
                sum?                  a scraper wants the figures of all
    supervisor: retire                successors listen
                figures?              say yours
                sum F                 the figures of all
                drain                 finish what is under way, and end

At the end of the line the other is gone. A worker then leaves its places to who may come next, and drains.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from enum import StrEnum

MOST = 1 << 18  # octets of one letter; figures take about 10,000


class Word(StrEnum):
    """What a letter says; figures follow it."""

    READY = "ready"
    FIGURES = "figures"
    WANT_SUM = "sum?"
    RETIRE = "retire"
    WANT_FIGURES = "figures?"
    SUM = "sum"
    DRAIN = "drain"


class Line:
    """One end. Letters arrive whole (SOCK_SEQPACKET), and nobody waits for the other to read them."""

    def __init__(self, own: socket.socket) -> None:
        own.setblocking(False)
        self._own = own

    def fileno(self) -> int:
        """For who watches several lines."""
        return self._own.fileno()

    def say(self, word: Word, figures: bytes = b"") -> None:
        """Send a letter; lost when the other is gone or does not read."""
        with suppress(OSError):
            self._own.send(word.encode() + b" " + figures)

    def heard(self) -> tuple[Word, bytes] | None:
        """The next letter; None when the other is gone. Raises BlockingIOError when there is none yet."""
        try:
            letter = self._own.recv(MOST)
        except ConnectionError:
            return None
        word, _, figures = letter.partition(b" ")
        return (Word(word.decode()), figures) if letter else None

    def finish(self) -> None:
        """Let the worker drain, and say no more; it may."""
        self.say(Word.DRAIN)
        with suppress(OSError):
            self._own.shutdown(socket.SHUT_WR)  # heard for certain, should the letter be lost

    def close(self) -> None:
        """Hang up."""
        self._own.close()


def pair() -> tuple[Line, Line]:
    """Both ends of a new line."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Line(one), Line(other)
