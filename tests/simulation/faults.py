"""Which kinds of trouble a run can meet, and how often it did.

A kind that never fires is a hole in the simulator, whatever its options say; so each kind is
counted where it has its effect, not where it is planned.
"""

from collections import Counter

Faults = Counter[str]

KINDS = (
    # Calls.
    "request lost",
    "answer lost",
    "late",
    "twice",
    "throttled",
    "slow",
    "landed without its caller",
    # Processes.
    "crashed before a call's effect",
    "crashed after a call's effect",
    "paused",
    "paused beyond the lease",
    "clock an hour ahead",
    "clock an hour behind",
    "stopped",
    "two workers at once",
    "three workers at once",
    "taken over",
    "deposed",
    # The queue.
    "redelivered",
    "redelivered while held",
    "resent",
    "malformed",
    # Checkpoints and journal.
    "checkpoint torn",
    "torn checkpoint met",
    "record in parts",
    # The stream and the tables behind it.
    "stream record lost",
    "stream record repeated",
    "stream out of order",
    "table failed",
)
