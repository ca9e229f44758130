"""The description of the bus (AsyncAPI 3.0, a JSON Schema an event), from the shapes of events.

Only the script that writes docs/events.json and its test import this module.
"""

from typing import Any, Final, NotRequired

from typing_extensions import TypedDict

from bursa.dialects.events import shapes
from bursa.dialects.native.openapi import schema_of
from bursa.dialects.native.operation import Json
from bursa.facts import kinds


class KycChanged(TypedDict):
    """What became of a user's identity check."""

    id: str
    tenant: str
    user: str
    state: str
    level: int
    renew_by_ms: NotRequired[int]
    level_ends_at_ms: NotRequired[int]


class SecurityEvent(shapes.Detail):
    """Something that happened to a user's keys, sessions or second factor (docs/security.md)."""

    account: str
    user: str
    kind: str


class FeeTierChanged(TypedDict):
    """The fee tier that a user's accounts have from then on."""

    id: str
    tenant: str
    account: str
    tier: int
    before: int
    volume: str
    currency: str
    day: str


# The source of each event, its detail, and when it comes.
EVENTS: Final[dict[str, tuple[str, Any, str]]] = {
    kinds.ORDER_DONE: ("bursa.exchange", shapes.OrderDone, "An order that has traded is done."),
    kinds.ORDER_UNFILLED: (
        "bursa.exchange",
        shapes.OrderDone,
        "An order is done, and nothing of it was traded.",
    ),
    kinds.TRADE_EXECUTED: ("bursa.exchange", shapes.TradeExecuted, "Two orders have traded."),
    kinds.TRANSFER_MADE: (
        "bursa.exchange",
        shapes.TransferMade,
        "Money has moved other than by a trade; one event for each account.",
    ),
    kinds.BALANCE_CHANGED: ("bursa.exchange", shapes.BalanceChanged, "A balance has changed."),
    kinds.MARKET_STATE: ("bursa.exchange", shapes.MarketState, "A market has another state."),
    "kyc.changed": ("bursa.kyc", KycChanged, "An identity check goes on, or ends."),
    "security.event": (
        "bursa.security",
        SecurityEvent,
        "Something happened to a user's keys, sessions or second factor.",
    ),
    "fee_tier.changed": ("bursa.fees", FeeTierChanged, "A user has another fee tier."),
}


def events_document(version: str) -> Json:
    """Generate the document for a version of the software."""
    schemas: Json = {}
    details = {kind: schema_of(shape, schemas) for kind, (_, shape, _) in EVENTS.items()}
    for schema in schemas.values():
        # New fields may come within a version.
        schema["additionalProperties"] = True
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Bursa's events",
            "version": version,
            "description": "What is put on the deployment's EventBridge bus, and what each event "
            "means, is in docs/events.md. A payload here is an event's detail; detail-type is the "
            "message's name.",
        },
        "channels": {
            "bus": {
                "address": "{bus}",
                "description": "The bus, named as the deployment.",
                "parameters": {"bus": {"description": "The deployment's name."}},
                "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in EVENTS},
            }
        },
        "operations": {"put": {"action": "send", "channel": {"$ref": "#/channels/bus"}}},
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "messages": {
                kind: {
                    "name": kind,
                    "summary": summary,
                    "tags": [{"name": source}],
                    "payload": details[kind],
                }
                for kind, (source, _, summary) in EVENTS.items()
            },
        },
    }
