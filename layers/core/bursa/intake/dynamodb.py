"""The replies table, which the worker writes and intake reads, and the records of requests.

Records of requests that must happen once are in the directory table, beside their tenant:

    <tenant>  request#<name>  {first_requested_ms, done}
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bursa.aws.failures import outcome_unknown, unavailable
from bursa.intake.once import RequestRecord
from bursa.intake.reply import Reply, StoredReply, pack_events, unpack_events
from bursa.journal.errors import OutcomeUnknown
from bursa.kernel import keys
from bursa.kernel.identifiers import CommandId, TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoReplyReader:
    """Reads replies by message."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(
        self, tenant: TenantId, message_id: CommandId, *, latest: bool = True
    ) -> StoredReply | None:
        """Return the reply to a message; None while there is none. Raises `Unavailable`."""
        with unavailable("answers_unavailable", "Ask again in a moment."):
            response = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": keys.reply(tenant, message_id.hex())}},
                ConsistentRead=latest,
                ProjectionExpression="events, request_digest",
            )
        item = response.get("Item")
        if item is None:
            return None
        return _stored_reply(item)

    def bind(
        self, tenant: TenantId, message_id: CommandId, request_digest: bytes, expires_at_s: int
    ) -> StoredReply | None:
        """Keep that a name belongs to a request, of which nothing is decided or was sent.

        Return the reply, or what was kept before, where there is one. Raises `Unavailable`.
        """
        with unavailable("answers_unavailable", "Ask again in a moment."):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": keys.reply(tenant, message_id.hex())}},
                    UpdateExpression="SET request_digest = :digest, expires_at = :expires",
                    ConditionExpression="attribute_not_exists(pk)",
                    ExpressionAttributeValues={
                        ":digest": {"B": request_digest},
                        ":expires": {"N": str(expires_at_s)},
                    },
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return self.find(tenant, message_id)
        return None


def _stored_reply(item: Mapping[str, Any]) -> StoredReply:
    """Read a row; one without events binds a name to a request of which nothing is decided."""
    events = unpack_events(bytes(item["events"]["B"])) if "events" in item else b""
    return StoredReply(events, bytes(item["request_digest"]["B"]))


class DynamoReplyWriter:
    """Writes replies where intake looks for them."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def write(self, replies: Sequence[Reply]) -> None:
        """Write up to 25 replies; a repeated one only where there is none yet."""
        first_time = {
            (reply.tenant_number, reply.name): reply_item(reply)
            for reply in replies
            if not reply.repeated
        }
        if first_time:
            self._write_batch(list(first_time.values()))
        for reply in replies:
            if reply.repeated:
                self._fill_gap(reply_item(reply))

    def _write_batch(self, items: list[dict[str, Any]]) -> None:
        with outcome_unknown():
            outcome = self._client.batch_write_item(
                RequestItems={self._table: [{"PutRequest": {"Item": item}} for item in items]}
            )
        if outcome.get("UnprocessedItems"):
            raise OutcomeUnknown("Some replies were not written.")

    def _fill_gap(self, item: dict[str, Any]) -> None:
        try:
            with outcome_unknown():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(events)",
                )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise


def reply_item(reply: Reply) -> dict[str, Any]:
    """Return a reply as it is stored."""
    return {
        "pk": {"S": keys.reply(TenantId(reply.tenant_number), reply.name)},
        "sequence": {"N": str(reply.last_sequence)},
        "events": {"B": pack_events(reply.events)},
        "request_digest": {"B": reply.request_digest},
        "expires_at": {"N": str(reply.expires_at_s)},
    }


class DynamoRequestRecords:
    """Keeps the records of requests that must happen once."""

    def __init__(self, client: "DynamoDBClient", directory_table: str) -> None:
        self._client = client
        self._table = directory_table

    def find_or_add(self, tenant: TenantId, name: str, now_ms: int) -> RequestRecord:
        """Return the record of a request, which is a new one when there is none.

        Of two calls at once one writes, and both return what it wrote.
        """
        key = _request_key(tenant, name)
        try:
            self._client.put_item(
                TableName=self._table,
                Item={**key, "first_requested_ms": {"N": str(now_ms)}, "done": {"BOOL": False}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            response = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            row = response["Item"]
            return RequestRecord(int(row["first_requested_ms"]["N"]), row["done"]["BOOL"])
        return RequestRecord(now_ms, done=False)

    def mark_done(self, tenant: TenantId, name: str) -> None:
        """Record that the request was carried out."""
        self._client.update_item(
            TableName=self._table,
            Key=_request_key(tenant, name),
            UpdateExpression="SET done = :yes",
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )


def _request_key(tenant: TenantId, name: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": str(tenant)}, "sk": {"S": keys.request(name)}}
