"""Several processes that share the work, and the one that starts, watches and replaces them.

`supervisor.py` forks workers and restarts a dead one; `generation.py` is a configuration with its workers,
and what each of them serves; `worker.py` is what each does until it is told to end; `line.py` is how the two
talk.
"""
