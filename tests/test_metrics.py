"""Figures of several workers, put together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.metrics import Figures, Metrics, add, dumped, lasting, loaded

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)
FIGURES = st.dictionaries(
    st.tuples(NAMES, st.lists(st.tuples(NAMES, st.text())).map(tuple)),
    st.floats(0, 1e15),
)


def busy() -> Metrics:
    """A worker that did something."""
    metrics = Metrics()
    metrics.message("done")
    metrics.decided("send", "consent")
    with metrics.relaying():
        pass
    return metrics


def lines(metrics: Metrics, figures: Figures) -> list[str]:
    """The samples as they are shown."""
    return [line for line in metrics.exposition(figures).decode().splitlines() if line[0] != "#"]


def test_figures_are_added_by_name_and_label() -> None:
    """Counters, histograms and gauges alike; a label that only one worker has is shown too."""
    one, other = busy(), busy()
    other.message("busy")
    with one.connected(), other.connected():
        total = add([one.figures(), other.figures()])

    shown = lines(Metrics(), total)

    for line in (
        'sendright_messages_total{result="done"} 2.0',
        'sendright_messages_total{result="busy"} 1.0',
        'sendright_relay_seconds_bucket{le="+Inf"} 2.0',
        "sendright_relay_seconds_count 2.0",
        "sendright_connections 2.0",
    ):
        assert line in shown


def test_one_workers_own_figures_are_shown_whole() -> None:
    """Nothing is lost on the way from the registry to what is shown."""
    metrics = busy()

    assert len(lines(metrics, metrics.figures())) == len(metrics.figures())
    assert metrics.exposition() == metrics.exposition(metrics.figures())


def test_a_gauge_ends_with_its_worker_and_counts_do_not() -> None:
    """Of a worker that ended, its counts remain in the sum; who was connected to it is no more."""
    metrics = busy()
    with metrics.connected():
        left = lasting(metrics.figures())

    assert ("sendright_connections", ()) not in left
    assert left == {
        key: value for key, value in metrics.figures().items() if key[0] != "sendright_connections"
    }


@given(FIGURES)
def test_figures_survive_being_sent(figures: Figures) -> None:
    """What another process reads is what was said, whatever the labels hold."""
    assert loaded(dumped(figures)) == figures
