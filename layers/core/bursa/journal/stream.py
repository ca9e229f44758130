"""Read the batches of the journal's stream that Lambda hands over, and report what failed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bursa.journal.items import from_stream_image
from bursa.journal.record import EncodedRecord, RecordError
from bursa.kernel import keys

Join = Callable[[EncodedRecord], EncodedRecord]
BatchResponse = dict[str, list[dict[str, str]]]
_INSERT = "INSERT"
_TIME_TO_LIVE = "dynamodb.amazonaws.com"


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A record as the stream brings it.

    Attributes
    ----------
    identifier
        What the stream calls it; a failure is reported by this name.
    record
        None when what came can't be read as a record.

    """

    identifier: str
    record: EncodedRecord | None


class Alteration(NamedTuple):
    """A change of what is in the journal.

    Attributes
    ----------
    what
        ``modify`` or ``remove``.
    partition, position
        The key.
    expired
        Whether DynamoDB removed it by itself, because its time to live was over.

    """

    what: str
    partition: str
    position: str
    expired: bool


class BadRecordFirst(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised so that Lambda halves a batch, until the bad record at its beginning is alone."""


def stream_records(event: Mapping[str, Any], joined: Join) -> Iterator[StreamRecord]:
    """Read a stream batch; what is no record comes as an entry without one.

    Only what was inserted is read: a record never changes, and what says otherwise is no record
    (`alterations`). Parts of records are passed over: they say nothing before their record is
    there.

    Parameters
    ----------
    event
        What Lambda got.
    joined
        Fetches the body of a record that is stored in parts.

    """
    for entry in event["Records"]:
        change = entry["dynamodb"]
        image = change.get("NewImage") if entry.get("eventName", _INSERT) == _INSERT else None
        if image is None or keys.is_journal_part(image.get("pk", {}).get("S", "")):
            continue
        record = _record(image)
        yield StreamRecord(change["SequenceNumber"], record and joined(record))


def alterations(event: Mapping[str, Any]) -> list[Alteration]:
    """Return what a stream batch says was changed in the journal or removed from it.

    Nobody has the right to, but a right can be stolen: DynamoDB knows no right to insert only
    (infra/worker-fleet.yaml). The table has no time to live; if somebody gives it one, its removals
    are told by who removed.
    """
    return [
        Alteration(
            entry["eventName"].lower(),
            entry["dynamodb"].get("Keys", {}).get("pk", {}).get("S", ""),
            entry["dynamodb"].get("Keys", {}).get("sk", {}).get("N", ""),
            entry.get("userIdentity", {}).get("principalId") == _TIME_TO_LIVE,
        )
        for entry in event["Records"]
        if entry.get("eventName", _INSERT) != _INSERT
    ]


def batch_response(event: Mapping[str, Any], failed: str | None) -> BatchResponse:
    """Return from which entry on Lambda must repeat the batch (None: from none).

    A batch is split at the entry that is named, which does nothing where that is the first one:
    all of it would be retried, and given up, together. Lambda halves a batch after an error.

    Raises
    ------
    BadRecordFirst
        When the first entry of several has failed.

    """
    records = event["Records"]
    if failed is not None and len(records) > 1:
        first = records[0]["dynamodb"]["SequenceNumber"]
        if failed == first:
            raise BadRecordFirst(f"{failed} of the stream can't be projected; {len(records)} came.")
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}


def _record(image: Mapping[str, Any]) -> EncodedRecord | None:
    try:
        return from_stream_image(image)
    except RecordError:
        return None
