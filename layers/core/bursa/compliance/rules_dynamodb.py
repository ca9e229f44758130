"""Tenants' rules for cases, in their profiles in the directory: one attribute, ``kyc``."""

from typing import TYPE_CHECKING

from bursa.aws.failures import unavailable
from bursa.compliance.steps import Rules
from bursa.compliance.tenant_rules import rules_as_stored, rules_from
from bursa.kernel import keys
from bursa.kernel.clock import MonotonicClock
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AGE_MS_MAX = 30_000
_UNAVAILABLE = ("directory_unavailable", "Send the same request again in a moment.")


class RulesTable:
    """The rules of all tenants of a deployment."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def find(self, tenant: TenantId) -> Rules | None:
        """Return a tenant's rules; None for one that asks nobody who they are.

        Reads no other attribute, so that a role may be allowed this one alone. Raises
        `Unavailable` ``directory_unavailable``.
        """
        with unavailable(*_UNAVAILABLE):
            found = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.PROFILE}},
                ConsistentRead=True,
                ProjectionExpression="kyc",
            )
        stored = found.get("Item", {}).get("kyc")
        return None if stored is None else rules_from(stored["S"])

    def write(self, tenant: TenantId, rules: Rules) -> None:
        """Replace a tenant's rules; safe to repeat."""
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.PROFILE}},
            UpdateExpression="SET kyc = :kyc",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues={":kyc": {"S": rules_as_stored(rules)}},
        )


class KeptRules:
    """Rules of tenants, each read twice a minute at most."""

    def __init__(self, table: RulesTable, clock: MonotonicClock) -> None:
        self._table = table
        self._clock = clock
        self._known: dict[TenantId, tuple[float, Rules | None]] = {}

    def __call__(self, tenant: TenantId) -> Rules | None:
        """Return a tenant's rules, None where it has none; raises as `RulesTable.find` does."""
        now_ms = self._clock.monotonic_ms()
        known = self._known.get(tenant)
        if known is None or now_ms - known[0] >= _AGE_MS_MAX:
            known = self._known[tenant] = (now_ms, self._table.find(tenant))
        return known[1]
