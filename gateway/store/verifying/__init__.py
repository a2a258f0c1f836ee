"""Proof that the store is whole and unaltered (invariant I7): what `sendright verify` runs.

whole.py      the order in which all is checked
streams.py    each table of evidence, read along its chains     following.py  the chains themselves
checking.py   what is checked of a row    beside.py  its details    gone.py  details that were erased
sealed.py     seals and what they cover                         replaying.py  decisions made again
pages.py      long tables in short reads                        fault.py  what is found
"""
