"""Adds to traces what was done for their requests: one datagram a segment, to the agent beside us.

The agent is X-Ray's daemon in Lambda and the CloudWatch agent on an instance; both take segment
documents by UDP on loopback and hand them on. A datagram waits for nobody and is lost where nobody
listens: a trace is worth no delay and no failure. AWS's SDKs for X-Ray do the same and are in
maintenance (from 2026 on); they find the trace in a context of the thread, which a worker that
commits the commands of many requests at once has none of.

Source of the form: docs.aws.amazon.com/xray/latest/devguide, "Segment documents" and "Daemon".
"""

import json
import socket
from collections.abc import Callable, Mapping

from bursa.kernel.traces import Trace

_FORMAT = b'{"format": "json", "version": 1}\n'
_SEGMENT_ID_BYTES = 8
_MS = 1_000

Span = tuple[int, int]  # from when to when


class XrayAgent:
    """Sends segments.

    Parameters
    ----------
    address
        ``127.0.0.1:2000``, or ``udp:127.0.0.1:2000 tcp:…`` as Lambda has it; empty for nobody.
    random_bytes
        Makes segments' ids.

    """

    def __init__(self, address: str, random_bytes: Callable[[int], bytes]) -> None:
        self._to = _udp_address(address)
        self._random_bytes = random_bytes
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM) if self._to else None
        if self._socket is not None:
            self._socket.settimeout(0)

    def add(
        self,
        trace: Trace,
        name: str,
        lasted_ms: Span,
        about: Mapping[str, int | str],
        steps: Mapping[str, Span] | None = None,
    ) -> None:
        """Add a segment to a trace.

        Parameters
        ----------
        name
            Of who did it.
        lasted_ms
            From when to when, UTC milliseconds.
        about
            What traces can be searched by.
        steps
            What it consisted of, and from when to when each.

        """
        if self._socket is None or self._to is None:
            return
        segment = {
            "name": name,
            "id": self._new_id(),
            "trace_id": trace.trace_id,
            "parent_id": trace.parent_id,
            **_times(lasted_ms),
            "annotations": dict(about),
            "subsegments": [
                {"name": step, "id": self._new_id(), **_times(span)}
                for step, span in (steps or {}).items()
            ],
        }
        try:
            self._socket.sendto(_FORMAT + json.dumps(segment).encode(), self._to)
        except OSError:
            return

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()

    def _new_id(self) -> str:
        return self._random_bytes(_SEGMENT_ID_BYTES).hex()


def _times(span: Span) -> dict[str, float]:
    """Return a span as seconds; two clocks may have it end before it begins."""
    return {"start_time": span[0] / _MS, "end_time": max(span) / _MS}


def _udp_address(address: str) -> tuple[str, int] | None:
    """Return host and port; None where there is none."""
    for one in address.split():
        host, _, port = one.removeprefix("udp:").rpartition(":")
        if host and ":" not in host and port.isdigit():
            return host, int(port)
    return None
