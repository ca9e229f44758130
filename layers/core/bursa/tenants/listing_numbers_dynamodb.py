"""The engine's numbers of assets and markets, and what of them is for good.

A tenant's file and its back office may both list. Whoever is first writes what can't be changed
beside the number, so that the other is refused instead of meaning another thing by the same name:
the engine itself takes a repeated definition for a repeat, whatever it says.

    <tenant>    asset#<symbol>   {number, scale}
    <tenant>    market#<symbol>  {number, lot_units, tick_units, lister}
    deployment  counter#<name>   {value}

Rows of before have a number alone; those are of files. All is written by updates of these
attributes, so that a role may be allowed them and can replace no other row.
"""

from typing import TYPE_CHECKING, Any, Final

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.errors import Conflict
from bursa.kernel.identifiers import TenantId
from bursa.tenants.lister import Lister

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

ASSET_COUNTER: Final = "asset"
MARKET_COUNTER: Final = "market"
_NUMBER, _LISTER = "number", "lister"
_SAID: Final = {Lister.FILE: "tenant's file", Lister.BACK_OFFICE: "back office"}
_OF_A_FILE: "Final[AttributeValueTypeDef]" = {"S": Lister.FILE.value}


class ListingNumbers:
    """The numbers of a deployment's assets and markets; each method raises `Unavailable`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def asset(self, tenant: TenantId, symbol: str, scale: int) -> int:
        """Return the number of an asset, which is a new one when it has none; safe to repeat.

        Raises `Conflict` ``asset_fixed``: it has another scale.
        """
        fixed: dict[str, AttributeValueTypeDef] = {"scale": {"N": str(scale)}}
        found = self._assigned(tenant, keys.asset(symbol), ASSET_COUNTER, fixed)
        if found["scale"] != fixed["scale"]:
            raise Conflict(
                "asset_fixed", f"{symbol} has the scale {found['scale']['N']} for good: send that."
            )
        return int(found[_NUMBER]["N"])

    def market(self, tenant: TenantId, symbol: str, steps: tuple[int, int], lister: Lister) -> int:
        """Return the number of a market, which is a new one when it has none; safe to repeat.

        Parameters
        ----------
        steps
            Its lot and its tick in the engine's units.
        lister
            Who lists it.

        Raises
        ------
        Conflict
            ``market_fixed``: it has other steps; ``market_listed_elsewhere``: by somebody else.

        """
        lot, tick = steps
        fixed: dict[str, AttributeValueTypeDef] = {
            "lot_units": {"N": str(lot)},
            "tick_units": {"N": str(tick)},
            _LISTER: {"S": lister.value},
        }
        found = self._assigned(tenant, keys.market(symbol), MARKET_COUNTER, fixed)
        if found[_LISTER] != fixed[_LISTER]:
            raise Conflict(
                "market_listed_elsewhere",
                f"{symbol} is listed by the {_SAID[Lister(found[_LISTER]['S'])]}: leave it there.",
            )
        if any(found[name] != value for name, value in fixed.items()):
            raise Conflict(
                "market_fixed", f"{symbol} has another tick or lot for good: send those."
            )
        return int(found[_NUMBER]["N"])

    def scale(self, tenant: TenantId, symbol: str) -> int | None:
        """Return the scale of an asset that has a number; None where no row says it."""
        row = self._row(tenant, keys.asset(symbol), "scale")
        return int(row["scale"]["N"]) if "scale" in row else None

    def lister(self, tenant: TenantId, symbol: str) -> Lister | None:
        """Return who lists a market; None where no row says it."""
        row = self._row(tenant, keys.market(symbol), _LISTER)
        return Lister(row[_LISTER]["S"]) if _LISTER in row else None

    def _assigned(
        self,
        tenant: TenantId,
        sort: str,
        counter: str,
        fixed: "Mapping[str, AttributeValueTypeDef]",
    ) -> "Mapping[str, AttributeValueTypeDef]":
        """Return a row with its number and what is fixed, by whoever wrote it first."""
        wanted: dict[str, AttributeValueTypeDef] = dict(fixed)
        row = self._row(tenant, sort, _NUMBER, *fixed)
        if _NUMBER not in row:
            wanted[_NUMBER] = {"N": str(count_up(self._client, self._table, counter))}
        elif fixed.keys() <= row.keys():
            return row
        elif fixed.get(_LISTER, _OF_A_FILE) != _OF_A_FILE:
            # A row of before is a file's, which alone knows the steps.
            return {**row, _LISTER: _OF_A_FILE}
        self._write(tenant, sort, wanted)
        return self._row(tenant, sort, _NUMBER, *fixed)

    def _write(
        self, tenant: TenantId, sort: str, values: "Mapping[str, AttributeValueTypeDef]"
    ) -> None:
        """Write what a row lacks; what it has stays. Of two calls at once one writes."""
        names = sorted(values)
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            self._client.update_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": sort}},
                UpdateExpression="SET "
                + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in names),
                ExpressionAttributeNames={f"#{name}": name for name in names},
                ExpressionAttributeValues={f":{name}": values[name] for name in names},
            )

    def _row(
        self, tenant: TenantId, sort: str, *attributes: str
    ) -> "Mapping[str, AttributeValueTypeDef]":
        with unavailable("directory_unavailable", "Send the same request again in a moment."):
            response = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": str(tenant)}, "sk": {"S": sort}},
                ConsistentRead=True,
                ProjectionExpression=", ".join(f"#{name}" for name in attributes),
                ExpressionAttributeNames={f"#{name}": name for name in attributes},
            )
        return response.get("Item", {})


def count_up(client: "DynamoDBClient", table: str, name: str) -> int:
    """Count up what is counted for the whole deployment and return the new value, from 1."""
    changed: Any = client.update_item(
        TableName=table,
        Key={"pk": {"S": keys.DEPLOYMENT}, "sk": {"S": keys.counter(name)}},
        UpdateExpression="ADD #value :one",
        ExpressionAttributeNames={"#value": "value"},
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    return int(changed["Attributes"]["value"]["N"])
