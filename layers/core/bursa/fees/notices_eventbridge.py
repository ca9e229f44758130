"""Notices of fee tiers as events on the deployment's bus, for whoever tells users."""

import json
from typing import Any, Protocol

from bursa.aws.failures import unavailable
from bursa.fees.ports import TierChange
from bursa.kernel.errors import Unavailable

SOURCE = "bursa.fees"
KIND = "fee_tier.changed"
_UNAVAILABLE = ("notices_unavailable", "The next run tells the user.")


class EventBridgeClient(Protocol):
    """The part of botocore's client that is used here."""

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        """Put events on a bus."""


class TierNotices:
    """Sends notices, at least once; one that comes again has the same id."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def send(self, change: TierChange) -> None:
        """Send a user word of a change; raises `Unavailable`."""
        detail = {
            "id": "/".join(map(str, (change.account, change.day, change.since_ms, change.tier))),
            "tenant": str(change.account.tenant),
            "account": str(change.account),
            "tier": change.tier,
            "before": change.before,
            "volume": change.volume,
            "currency": change.currency,
            "day": change.day,
        }
        entry = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": KIND,
            "Detail": json.dumps(detail),
        }
        with unavailable(*_UNAVAILABLE):
            sent = self._client.put_events(Entries=[entry])
        if sent.get("FailedEntryCount"):
            raise Unavailable(*_UNAVAILABLE)
