"""Read the batches of the journal's stream that Lambda hands over, and report what failed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bursa.journal.items import from_stream_image
from bursa.journal.record import EncodedRecord, RecordError
from bursa.kernel import keys

Join = Callable[[EncodedRecord], EncodedRecord]
BatchResponse = dict[str, list[dict[str, str]]]


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


class BadRecordFirst(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised so that Lambda halves a batch, until the bad record at its beginning is alone."""


def stream_records(event: Mapping[str, Any], joined: Join) -> Iterator[StreamRecord]:
    """Read a stream batch; what is no record comes as an entry without one.

    Removals are passed over: the journal is never deleted from, only exported and expired. So are
    parts of records: they say nothing before their record is there.

    Parameters
    ----------
    event
        What Lambda got.
    joined
        Fetches the body of a record that is stored in parts.

    """
    for entry in event["Records"]:
        change = entry["dynamodb"]
        image = change.get("NewImage")
        if image is None or keys.is_journal_part(image.get("pk", {}).get("S", "")):
            continue
        record = _record(image)
        yield StreamRecord(change["SequenceNumber"], record and joined(record))


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
