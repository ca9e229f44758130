"""Notices as events on the deployment's bus, for whoever tells users."""

import json
from typing import Any, Protocol

from bursa.aws.failures import unavailable
from bursa.compliance.case_changes import Notice
from bursa.kernel.errors import Unavailable

SOURCE = "bursa.kyc"
KIND = "kyc.changed"
_UNAVAILABLE = ("notices_unavailable", "Send the same again in a moment.")


class EventBridgeClient(Protocol):
    """The part of botocore's client that is used here."""

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        """Put events on a bus."""


class EventBridgeNotices:
    """See `bursa.compliance.case_changes.Notices`; docs/compliance.md shows one."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def send(self, notice: Notice) -> None:
        """See `bursa.compliance.case_changes.Notices`."""
        detail = {
            "id": notice.id,
            "tenant": str(notice.tenant),
            "user": notice.user,
            "state": notice.state.value,
            "level": notice.level,
        }
        if notice.renew_by_ms:
            detail |= {
                "renew_by_ms": notice.renew_by_ms,
                "level_ends_at_ms": notice.level_ends_at_ms,
            }
        with unavailable(*_UNAVAILABLE):
            sent = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._bus,
                        "Source": SOURCE,
                        "DetailType": KIND,
                        "Detail": json.dumps(detail),
                    }
                ]
            )
        if sent.get("FailedEntryCount"):
            raise Unavailable(*_UNAVAILABLE)
