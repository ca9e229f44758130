"""Which request a command came with, for those requests that X-Ray samples.

A trace's header goes with a message (SQS's ``AWSTraceHeader``) and into the record that has its
command, so that the worker and what follows the journal add what they did to the same trace. Only
sampled requests have one. Whoever calls may ask for theirs to be sampled, so what is kept of them
is bounded (`TRACES_PER_RECORD_MAX`).

Source of the forms: docs.aws.amazon.com/xray/latest/devguide, "Tracing header" and "Segment
documents".
"""

import re
from typing import NamedTuple

# Each costs a record some sixty bytes.
TRACES_PER_RECORD_MAX = 20
_HEADER_CHARACTERS_MAX = 512
_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_SEGMENT_ID = re.compile(r"[0-9a-f]{16}")


class Trace(NamedTuple):
    """A sampled trace.

    Attributes
    ----------
    trace_id
        ``1-<eight hexadecimal digits of the second>-<24 random ones>``.
    parent_id
        The segment that what is added belongs to, 16 hexadecimal digits.

    """

    trace_id: str
    parent_id: str

    @property
    def header(self) -> str:
        """The trace as a header of AWS's own form."""
        return f"Root={self.trace_id};Parent={self.parent_id};Sampled=1"


def sampled_trace(header: str) -> Trace | None:
    """Read a header; None where it is of no sampled trace, or no header at all."""
    if len(header) > _HEADER_CHARACTERS_MAX:
        return None
    fields = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
    trace = Trace(fields.get("Root", ""), fields.get("Parent", ""))
    if fields.get("Sampled") != "1" or not _TRACE_ID.fullmatch(trace.trace_id):
        return None
    return trace if _SEGMENT_ID.fullmatch(trace.parent_id) else None
