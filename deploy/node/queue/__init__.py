"""The queue: one folder with studies, their results, and a SQLite database of how far each is.

========== ===========================================================================================
`files`    the folder: which file lies where, and how it gets there whole or not at all
`database` the tables, and transactions on them
`owners`   which process works on a study, and whether it still lives
`studies`  the way of a study from `receiving` to `done` or `aside`: what the node's parts call
`recovery` what is left after a kill, a cut or long after: freed, removed, put aside
========== ===========================================================================================

A kill or a power cut at any moment loses nothing: a file is written elsewhere, synchronised and renamed, and then one
transaction (`synchronous=FULL`) says that it is there. A result is made once and keeps its SOP Instance UID, so that
whatever is sent again after a cut is the same object, which a PACS holds once.
"""

from .recovery import abandon, clean, purge, recover
from .studies import CUT_OFF, STATES, Queue, Study

__all__ = ["CUT_OFF", "STATES", "Queue", "Study", "abandon", "clean", "purge", "recover"]
