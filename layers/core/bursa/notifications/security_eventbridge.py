"""Security events as events on the deployment's bus, for systems of the operator's and tenants'.

From where something was asked for, and which key or provider it was about, stays in the exchange.
"""

import json
from typing import Any, Final, Protocol

from bursa.aws.failures import unavailable
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.notifications.happenings import SECURITY_SOURCE, Json

KIND: Final = "security.event"
VERSION: Final = 1
_UNAVAILABLE: Final = ("bus_unavailable", "The same comes again.")


class EventBridgeClient(Protocol):
    """The part of botocore's client that is used here."""

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        """Put events on a bus."""


class SecurityBus:
    """Puts security events, at least once; one that comes again has the same id."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, envelope: Json) -> None:
        """Put what the identity table's stream told; raises `Unavailable`.

        What lacks something is passed over: the queue of notices has it, and its alarm.
        """
        detail = _detail(envelope["detail"])
        if detail is None:
            return
        entry = {
            "EventBusName": self._bus,
            "Source": SECURITY_SOURCE,
            "DetailType": KIND,
            "Detail": json.dumps(detail),
        }
        with unavailable(*_UNAVAILABLE):
            sent = self._client.put_events(Entries=[entry])
        if sent.get("FailedEntryCount"):
            raise Unavailable(*_UNAVAILABLE)


def _detail(told: Json) -> dict[str, Any] | None:
    names = ("account", "user", "kind", "at_ms", "id")
    if not all(told.get(name) for name in names):
        return None
    account = AccountId.parse(told["account"])
    return {
        "version": VERSION,
        "id": f"{KIND}/{account}/{told['id']}",
        "tenant": str(account.tenant),
        "at_ms": int(told["at_ms"]),
        "account": str(account),
        "user": told["user"],
        "kind": told["kind"],
    }
