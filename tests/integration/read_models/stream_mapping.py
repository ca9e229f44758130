"""Lambda's event source mapping for a DynamoDB stream, as AWS documents it.

MiniStack neither reads partial batch responses nor counts retries, so what happens to a record
that always fails can't be seen there. The rules are from these pages of AWS's documentation:

    lambda/latest/dg/services-ddb-batchfailurereporting   which answers are a success, a failure,
        a checkpoint; a batch that may be bisected is so at the sequence number that was returned
    lambda/latest/dg/services-dynamodb-errors   an error bisects the batch, which consumes no
        retry; then records are retried until the quota or the maximum age, and discarded; what
        the destination of discarded records gets a message (not the records themselves)
    lambda/latest/dg/services-ddb-params   the properties and their defaults

Two things they leave open, both taken the hard way here: a batch whose first record is the one
returned can't be bisected there, so all of it is retried, and discarded, together; and a retry
after a checkpoint in the middle has the whole quota again, but one at the beginning has not.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Function = Callable[[Json], Json | None]

_DEFAULTS: Json = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "FunctionResponseTypes": [],
    "DestinationConfig": {},
}
# What must hold for this model to be one of the mapping at all.
_FIXED: Json = {"StartingPosition": "TRIM_HORIZON", "ParallelizationFactor": 1}
_NO_QUOTA = -1


@dataclass(slots=True)
class _Batch:
    records: list[Json]
    retries: int = 0
    invocations: int = 0


def sequence_number(record: Json) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


class StreamMapping:
    """One shard of a stream, in order, into a function.

    Parameters
    ----------
    properties
        Of the template's event; refused where this model does not know them.
    function
        Raises, or answers.
    age_s
        How old a record is when its batch is invoked for the so-manieth time.

    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        function: Function,
        age_s: Callable[[int], float] = lambda _: 0.0,
    ) -> None:
        unknown = properties.keys() - _DEFAULTS.keys() - _FIXED.keys() - {"Stream"}
        assert not unknown, f"The model does not know {unknown}."
        for name, value in _FIXED.items():
            assert properties.get(name, value) == value
        self._settings = _DEFAULTS | dict(properties)
        self._function = function
        self._age_s = age_s
        self.invocations: list[list[str]] = []
        self.discarded: list[Json] = []

    def run(self, records: Sequence[Json]) -> None:
        """Invoke the function until every record has succeeded or been discarded."""
        size = self._settings["BatchSize"]
        waiting = deque(
            _Batch(list(records[start : start + size])) for start in range(0, len(records), size)
        )
        while waiting:
            waiting.extendleft(reversed(self._one(waiting.popleft())))

    def _one(self, batch: _Batch) -> list[_Batch]:
        """Invoke once; return what of the batch has to come again, in order."""
        age_max_s = self._settings["MaximumRecordAgeInSeconds"]
        if age_max_s != _NO_QUOTA and self._age_s(batch.invocations) > age_max_s:
            self._discard(batch, "RecordAgeExceeded")
            return []
        names = [sequence_number(record) for record in batch.records]
        self.invocations.append(names)
        batch.invocations += 1
        try:
            first_failed = self._first_failed(self._function({"Records": batch.records}), names)
        except Exception:  # noqa: BLE001 - whatever it is, the invocation has failed
            return self._failed(batch)
        if first_failed is None:
            return []
        if first_failed > 0:
            return [_Batch(batch.records[first_failed:])]
        return self._again(batch)

    def _first_failed(self, response: Json | None, names: list[str]) -> int | None:
        if "ReportBatchItemFailures" not in self._settings["FunctionResponseTypes"]:
            return None
        failures = (response or {}).get("batchItemFailures") or []
        # A key of another name, or an identifier that is null, empty or strange: all has failed.
        return min((names.index(failure["itemIdentifier"]) for failure in failures), default=None)

    def _failed(self, batch: _Batch) -> list[_Batch]:
        half = len(batch.records) // 2
        if half == 0 or not self._settings["BisectBatchOnFunctionError"]:
            return self._again(batch)
        return [
            _Batch(part, batch.retries, batch.invocations)
            for part in (batch.records[:half], batch.records[half:])
        ]

    def _again(self, batch: _Batch) -> list[_Batch]:
        quota = self._settings["MaximumRetryAttempts"]
        if batch.retries == quota:
            self._discard(batch, "RetryAttemptsExhausted")
            return []
        batch.retries += 1
        return [batch]

    def _discard(self, batch: _Batch, condition: str) -> None:
        if "OnFailure" not in self._settings["DestinationConfig"]:
            return
        names = [sequence_number(record) for record in batch.records]
        self.discarded.append(
            {
                "requestContext": {
                    "condition": condition,
                    "approximateInvokeCount": batch.invocations,
                },
                "version": "1.0",
                "DDBStreamBatchInfo": {
                    "startSequenceNumber": names[0],
                    "endSequenceNumber": names[-1],
                    "batchSize": len(names),
                },
            }
        )
