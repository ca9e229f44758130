"""A DynamoDB client whose indexes may lag behind their tables, as AWS's do and moto's never."""

from typing import Any

from tests.doubles.tables import INDEXES


class LaggingIndexes:
    """Passes every call on, but answers queries of indexes from what the tables held at a time."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._held: dict[str, list[dict[str, Any]]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def stop_indexes(self) -> None:
        """Let the indexes see nothing from now on."""
        for table in INDEXES:
            pages = self._client.get_paginator("scan").paginate(TableName=table)
            self._held[table] = [item for page in pages for item in page["Items"]]

    def query(self, **request: Any) -> dict[str, Any]:
        """Answer as the client's method of that name."""
        name = request.get("IndexName")
        if name is None or not self._held:
            response: dict[str, Any] = self._client.query(**request)
            return response
        assert not request.get("ConsistentRead")
        assert "AND" not in request["KeyConditionExpression"], "begins at the newest"
        (index,) = (one for one in INDEXES[request["TableName"]] if one["IndexName"] == name)
        partition, sort = (key["AttributeName"] for key in index["KeySchema"])
        wanted = request["ExpressionAttributeValues"][":partition"]
        items = [item for item in self._held[request["TableName"]] if item.get(partition) == wanted]
        items.sort(key=lambda item: str(item[sort]["S"]), reverse=True)
        return {"Items": items[: request["Limit"]]}
