"""What the worker says: one JSON line an event, metrics in the embedded format, a heartbeat.

Metrics are collected and written once per heartbeat as one line in CloudWatch's embedded metric
format (a list of values per metric), so that measuring costs no call. Powertools Metrics writes the
same format, but holds up the batch loop sixty times as long: 9.6 ms a heartbeat instead of 0.16 ms,
9.4 µs a value instead of 0.17 µs, and a line as soon as a metric has a hundred values.

    CommitMilliseconds          from the first put of a record to its response
    RecordBytes                 stored size of a record's body
    CommandsPerRecord           how well commands are grouped
    BytesPerCommand             what the journal costs
    CommitRetries               puts repeated because of a lost or refusing response
    QueueAgeMilliseconds        from sending a message to its commit
    HeldMessages                received and not yet deleted
    RememberedMilliseconds      how far back the engine remembers ids; none until it forgets one
    CheckpointPauseMilliseconds   what a checkpoint took from the batch loop
    Leading, Following          1 a heartbeat for what this worker is
    and one count per alarm: RepliesLost, ClockJumped, EngineFault, InvariantBroken, JournalBroken,
    PoisonMessage, Redelivered, CheckpointDamaged, CheckpointFailed, MemoryOfIdsShort,
    ArchiveDiffers, ArchiveFailed, BreakerPaused
"""

import json
import sys
from collections import defaultdict
from typing import TextIO

from bursa.aws.xray import XrayAgent
from bursa.kernel.traces import Trace
from worker.ports import Clock

_VALUES_PER_METRIC_MAX = 100
# A storm of one alarm is counted in full but written once a second.
_ALARM_LINE_EVERY_S = 1.0
_UNITS = {"Milliseconds": "Milliseconds", "Bytes": "Bytes"}


class LogTelemetry:
    """Writes to a stream, standard output unless told otherwise."""

    def __init__(
        self,
        clock: Clock,
        namespace: str,
        shard: int,
        stream: TextIO = sys.stdout,
        traces: XrayAgent | None = None,
    ) -> None:
        self._traces = traces
        self._clock = clock
        self._namespace = namespace
        self._about = {"service": "worker", "shard": str(shard)}
        self._stream = stream
        self._values: dict[str, list[float]] = defaultdict(list)
        self._sums: dict[str, float] = defaultdict(float)
        self._since = clock.monotonic()
        self._alarmed_at: dict[str, float] = {}
        self._held_back: dict[str, int] = defaultdict(int)

    def event(self, message: str, **fields: object) -> None:
        """Write one line."""
        self._line({"level": "INFO", "message": message, **fields})

    def alarm(self, name: str, message: str, **fields: object) -> None:
        """Write one line that counts."""
        self.measure(name, 1)
        now = self._clock.monotonic()
        self._held_back[name] += 1
        if now - self._alarmed_at.get(name, float("-inf")) < _ALARM_LINE_EVERY_S:
            return
        self._alarmed_at[name] = now
        times = self._held_back.pop(name)
        line = {"level": "ERROR", "alarm": name, "message": message, "times": times}
        self._line({**line, **fields})
        self.flush_metrics()

    def measure(self, name: str, value: float) -> None:
        """Collect one value; of many, evenly spread ones are kept."""
        values = self._values[name]
        self._sums[name] += value
        if len(values) >= _VALUES_PER_METRIC_MAX:
            del values[::2]
        values.append(value)

    def traced(
        self, trace: Trace, sent_ms: int, taken_ms: int, committed_ms: int, **about: int
    ) -> None:
        """Hand a segment to the agent beside this process, if there is one."""
        if self._traces is not None:
            steps = {"queue": (sent_ms, taken_ms), "commit": (taken_ms, committed_ms)}
            self._traces.add(trace, "worker", (sent_ms, committed_ms), about, steps)

    def heartbeat(self, **fields: object) -> None:
        """Write one line with the rates, and the metrics collected since the last."""
        now = self._clock.monotonic()
        seconds = max(now - self._since, 1e-9)
        self._since = now
        latency = sorted(self._values["CommitMilliseconds"])
        commands = self._sums["CommandsPerRecord"]
        text = f"{commands / seconds:,.0f} commands/s"
        if latency:
            text += f", commit p50 {latency[len(latency) // 2]:.1f} ms max {latency[-1]:.1f} ms"
            text += f", {self._sums['RecordBytes'] / max(commands, 1):.0f} bytes a command"
        self._line({"level": "INFO", "message": f"Alive: {text}", **fields})
        self.flush_metrics()

    def flush_metrics(self) -> None:
        """Write what was measured, as one line of the embedded metric format."""
        values = {name: seen for name, seen in self._values.items() if seen}
        self._values = defaultdict(list)
        self._sums = defaultdict(float)
        if not values:
            return
        metrics = [{"Name": name, "Unit": _unit(name)} for name in values]
        metadata = {
            "Timestamp": self._clock.time_ms(),
            "CloudWatchMetrics": [
                {"Namespace": self._namespace, "Dimensions": [["shard"]], "Metrics": metrics}
            ],
        }
        self._write({"_aws": metadata, **self._about, **values})

    def _line(self, fields: dict[str, object]) -> None:
        self._write({"time_ms": self._clock.time_ms(), **fields, **self._about})

    def _write(self, line: dict[str, object]) -> None:
        self._stream.write(json.dumps(line, default=str) + "\n")
        self._stream.flush()


def _unit(name: str) -> str:
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "Count")
