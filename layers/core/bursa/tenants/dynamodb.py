"""The directory table: which tenant an issuer speaks for, and which account a user holds.

Read by the authorizers on every sign-in, written when a tenant or a user is created. Rows:

    issuer#<issuer>  tenant          {tenant}
    <tenant>         profile         {name, issuer, client_ids (string set)}
    <tenant>         user#<subject>  {account}
    <tenant>         counter#<name>  {value}
    <tenant>         asset#<symbol>  {number}: of the engine
    <tenant>         market#<symbol> {number}: of the engine
    <tenant>         wish#<name>     {wished_ms, fulfilled}: see `bursa.tenants.onboarding`
    deployment       counter#<name>  {value}
"""

from typing import TYPE_CHECKING

from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile, Wish

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

ACCOUNT_COUNTER = "account"
TENANT_COUNTER = "tenant"
ASSET_COUNTER = "asset"
MARKET_COUNTER = "market"


class DirectoryTable:
    """The directory of one deployment."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Find the tenant whose users this issuer signs in; None for a stranger."""
        row = self._row(keys.issuer(issuer), keys.TENANT)
        if row is None:
            return None
        return self.profile(TenantId.parse(row["tenant"]["S"]))

    def profile(self, tenant: TenantId) -> TenantProfile | None:
        """Read a tenant's settings."""
        row = self._row(str(tenant), keys.PROFILE)
        if row is None:
            return None
        clients = frozenset(row["client_ids"]["SS"])
        return TenantProfile(tenant, row["name"]["S"], row["issuer"]["S"], clients)

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        """Find the account of a signed-in user; None when the user has none yet."""
        row = self._row(str(tenant), keys.user(subject))
        return None if row is None else AccountId.parse(row["account"]["S"])

    def open_tenant(self, name: str, issuer: str, client_ids: frozenset[str]) -> TenantProfile:
        """Write a tenant's settings; the tenant of an issuer stays the same. Safe to repeat.

        Not safe to call twice at once for a new issuer: the later one would win it.
        """
        existing = self.tenant_of(issuer)
        if existing is None:
            tenant = TenantId(self.next_number(keys.DEPLOYMENT, TENANT_COUNTER))
        else:
            tenant = existing.tenant
        profile = TenantProfile(tenant, name, issuer, client_ids)
        if profile != existing:
            self.add_tenant(profile)
        return profile

    def add_tenant(self, profile: TenantProfile) -> None:
        """Write a tenant's settings, then open the door to its issuer."""
        self._put(
            str(profile.tenant),
            keys.PROFILE,
            name={"S": profile.name},
            issuer={"S": profile.issuer},
            client_ids={"SS": sorted(profile.client_ids)},
        )
        self._put(keys.issuer(profile.issuer), keys.TENANT, tenant={"S": str(profile.tenant)})

    def open_account(self, tenant: TenantId, subject: str) -> AccountId:
        """Give a user an account, or return the one there is; safe to repeat."""
        existing = self.account_of(tenant, subject)
        if existing is not None:
            return existing
        account = AccountId(tenant, self.next_number(str(tenant), ACCOUNT_COUNTER))
        row = self._put_or_find(str(tenant), keys.user(subject), account={"S": str(account)})
        return AccountId.parse(row["account"]["S"])

    def number_of_asset(self, tenant: TenantId, symbol: str) -> int:
        """Find the engine's number of an asset, or give it one; safe to repeat."""
        return self._number_of(tenant, keys.asset(symbol), ASSET_COUNTER)

    def number_of_market(self, tenant: TenantId, symbol: str) -> int:
        """Find the engine's number of a market, or give it one; safe to repeat."""
        return self._number_of(tenant, keys.market(symbol), MARKET_COUNTER)

    def _number_of(self, tenant: TenantId, sort: str, counter: str) -> int:
        row = self._row(str(tenant), sort)
        if row is None:
            number = self.next_number(keys.DEPLOYMENT, counter)
            row = self._put_or_find(str(tenant), sort, number={"N": str(number)})
        return int(row["number"]["N"])

    def write_wish(self, tenant: TenantId, name: str, now_ms: int) -> Wish:
        """Write down that something is wanted, or find when it was first."""
        row = self._put_or_find(
            str(tenant), keys.wish(name), wished_ms={"N": str(now_ms)}, fulfilled={"BOOL": False}
        )
        return Wish(int(row["wished_ms"]["N"]), row["fulfilled"]["BOOL"])

    def fulfil_wish(self, tenant: TenantId, name: str) -> None:
        """Write down that it was done."""
        self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": str(tenant)}, "sk": {"S": keys.wish(name)}},
            UpdateExpression="SET fulfilled = :yes",
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )

    def next_number(self, scope: str, name: str) -> int:
        """Count up and return the new value, from 1; `scope` is a tenant or `keys.DEPLOYMENT`."""
        answer = self._client.update_item(
            TableName=self._table,
            Key={"pk": {"S": scope}, "sk": {"S": keys.counter(name)}},
            UpdateExpression="ADD #value :one",
            ExpressionAttributeNames={"#value": "value"},
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["value"]["N"])

    def _row(self, partition: str, sort: str) -> "dict[str, AttributeValueTypeDef] | None":
        answer = self._client.get_item(
            TableName=self._table,
            Key={"pk": {"S": partition}, "sk": {"S": sort}},
            ConsistentRead=True,
        )
        return answer.get("Item")

    def _put(self, partition: str, sort: str, **attributes: "AttributeValueTypeDef") -> None:
        item = {"pk": {"S": partition}, "sk": {"S": sort}, **attributes}
        self._client.put_item(TableName=self._table, Item=item)

    def _put_or_find(
        self, partition: str, sort: str, **attributes: "AttributeValueTypeDef"
    ) -> "dict[str, AttributeValueTypeDef]":
        """Write a row unless there is one, and return the one that stands.

        Of two calls at once one writes; what the other had counted up stays unused.
        """
        item: dict[str, AttributeValueTypeDef]
        item = {"pk": {"S": partition}, "sk": {"S": sort}, **attributes}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk)",
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            standing = self._row(partition, sort)
            if standing is None:
                raise
            return standing
        return item
