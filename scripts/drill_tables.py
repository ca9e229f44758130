"""Copy what DynamoDB has restored into the tables of another stack, and compare the two.

The journal is put record by record, each into its own slot; other tables item by item. Nothing that
is there already is put over, so a copy that was broken off is begun again and goes on.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.errors import SlotTaken
from bursa.journal.record import PART_BYTES_MAX, EncodedRecord, split_record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DIGEST_BITS = 256
_SETS = {"SS", "NS", "BS"}


class Occupied(Exception):  # noqa: N818 - what it means to the caller
    """Raised with a sentence about what is already there and is something else."""


class Contents(NamedTuple):
    """What a table holds: how many items, and a digest that knows no order."""

    items: int
    digest: str


def put_record(journal: DynamoJournal, record: EncodedRecord) -> None:
    """Put a record into its slot; raises `Occupied` when another is there."""
    head, parts = split_record(record, PART_BYTES_MAX)
    for part in parts:
        journal.put_part(part)
    try:
        journal.put(head)
    except SlotTaken as taken:
        if taken.batch_id != record.batch_id:
            raise Occupied(
                f"Slot {record.first_sequence} of the journal there has another record: stop its "
                "worker, and restore into a stack that has never led."
            ) from None


def copy_items(
    client: "DynamoDBClient",
    source: str,
    there: "DynamoDBClient",
    target: str,
    *,
    goes_on: bool = False,
) -> Contents:
    """Copy all items of a table into another one, perhaps of another region.

    Of one whose items go on by themselves only their number is compared.

    Returns
    -------
    Contents
        What both hold.

    Raises
    ------
    Occupied
        The other one has items that the first one has not.

    """
    for item in _items(client, source):
        try:
            there.put_item(
                TableName=target, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
    copied, present = contents(client, source), contents(there, target)
    if copied.items != present.items or (copied != present and not goes_on):
        raise Occupied(
            f"Table {target} holds {present.items} items, digest {present.digest[:16]}…; "
            f"what was restored are {copied.items}, digest {copied.digest[:16]}…."
        )
    return copied


def contents(client: "DynamoDBClient", table: str) -> Contents:
    """Return what a table holds."""
    count = total = 0
    for item in _items(client, table):
        digest = hashlib.sha256(_text(item).encode()).digest()
        total = (total + int.from_bytes(digest)) % (1 << _DIGEST_BITS)
        count += 1
    return Contents(count, f"{total:064x}")


def _items(client: "DynamoDBClient", table: str) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


def _text(value: Any) -> str:  # noqa: ANN401 - an attribute of any type
    """Write an attribute so that equal ones are equal texts: sets and maps have no order."""
    if isinstance(value, dict):
        written = (
            f"{name}:{sorted(map(_text, one)) if name in _SETS else _text(one)}"
            for name, one in sorted(value.items())
        )
        return "{" + ",".join(written) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    return repr(value)
