"""What schemathesis is told of: ids that are there, and bodies that make sense with them.

A known id is one that a parameter of a path may be, beside any text; each operation is asked by
its example first.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from tests.doubles.office_server import CASES, KEY, Known
from tests.unit.back_office.test_account_limits import RAISED
from tests.unit.kyc.test_routes import PERSON

TENANTS = Path(__file__).parents[2] / "docs" / "examples" / "tenants"
_WHY = {"reason": "Ticket 4711"}
_CODE = {"code": "123456"}
_MONEY = _WHY | {"asset": "USDT", "amount": "1"}
_LIMITS = _WHY | {
    "min_notional": "10",
    "max_quantity": "0",
    "max_price": "0",
    "collar_ppm": 0,
    "market_collar_ppm": 0,
    "breaker_ppm": 0,
    "reference_interval_ms": 0,
    "least_orders": 0,
    "auction_ms": 120_000,
}
_LISTING = _LIMITS | {
    "tick_size": "0.01",
    "lot_size": "0.0001",
    "base_scale": 8,
    "quote_scale": None,
    "opening_price": None,
    "state": "open",
}
_QUERIES = {
    "from_ms": 1_795_000_000_000,
    "first_day": "2026-11-20",
    "last_day": "2026-11-20",
    "reason": "Ticket 4711",
    "email": "eve@demo.example",
}


def with_examples(document: Any, known: Known) -> Any:
    """Return a document with an example of each operation that needs one."""
    document = deepcopy(document)
    bodies = _bodies(known)
    # Of the ways to say one thing the whole bodies below: one example an operation, one key.
    for schema in document["components"]["schemas"].values():
        for one in schema.get("properties", {}).values():
            one.pop("examples", None)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            name = f"{method.upper()} {path.removeprefix('/v1')}"
            for one in operation.get("parameters", []):
                _give(one, name, known)
            body = operation.get("requestBody")
            if body and name in bodies:
                body["content"]["application/json"]["example"] = bodies[name]
    return document


def _give(parameter: dict[str, Any], operation: str, known: Known) -> None:
    if parameter["in"] == "path":
        value = _id(parameter["name"], operation, known)
        parameter["example"] = value
        parameter["schema"] = {"anyOf": [{"enum": [value]}, parameter["schema"]]}
    elif parameter["name"] == "Idempotency-Key":
        parameter["example"] = operation.replace("/", ".").replace(" ", ".").translate(_NO_BRACES)
    elif parameter["name"] == "X-Account":
        parameter["schema"] = {"anyOf": [{"enum": [known.account]}, parameter["schema"]]}
    elif parameter["in"] == "query" and parameter["name"] in _QUERIES:
        parameter["example"] = _QUERIES[parameter["name"]]


_NO_BRACES = str.maketrans(dict.fromkeys("{}"))


def _id(name: str, operation: str, known: Known) -> str:
    """Return what is there of that name; whatever uses something up has one of its own."""
    if name == "user_id" and "/admin/kyc/" in operation:
        if "personal-data" in operation:
            return known.screened
        return CASES.get(operation.rpartition("/")[2], CASES["documents"])
    ids: dict[str, str] = {
        "user_id": known.user,
        "key_id": known.keys["/admin/" in operation],
        "proposal_id": known.proposals["reject" in operation]["proposal_id"],
        "provider": "manual" if "callbacks" in operation else "Google",
        "session_id": "session-1",
        "market": "SOL-USDT" if "listing" in operation else "BTC-USDT",
        "asset": "USDT",
        "document": "selfie",
        "tenant": "t1",
        "job_id": known.job,
    }
    return ids[name]


def _bodies(known: Known) -> Mapping[str, Any]:
    user, case = "POST /admin/users/{user_id}", "POST /admin/kyc/cases/{user_id}"
    tenant = "POST /operator/tenants/{tenant}"
    return {
        "PUT /kyc/personal-data": PERSON,
        "POST /kyc/documents": {"document": "selfie", "content_type": "image/png"},
        "POST /kyc/applications": {"level": 1, "documents": []},
        "POST /me/close": _CODE,
        "POST /me/password": {"password": "the owner's", "new_password": "Another-1-phrase"},
        "PUT /me/identities/{provider}": _CODE,
        "PUT /me/preferences": {"language": "en", "time_zone": "UTC", "mails_about": ["fills"]},
        "POST /api-keys": KEY,
        "POST /second-factor/confirm": _CODE,
        "POST /second-factor/remove": _CODE,
        "POST /notices/read": {"until_ms": 1_795_291_200_000},
        f"{user}/sessions/revoke": _WHY,
        "POST /admin/api-keys/{key_id}/revoke": _WHY,
        f"{user}/freeze": _WHY,
        f"{user}/unfreeze": _WHY,
        f"{user}/credit": _MONEY,
        f"{user}/debit": _MONEY,
        f"{user}/role": _WHY | {"role": "support"},
        f"{user}/fee-tier": _WHY | {"tier": 0},
        f"{user}/limits": _WHY | RAISED,
        "POST /admin/fees": _WHY | {"maker_ppm": 1_000, "taker_ppm": 2_000},
        "POST /admin/fee-tiers": _WHY
        | {
            "currency": "USDT",
            "tiers": [{"volume": "0", "maker_ppm": 500, "taker_ppm": 1_000}],
        },
        "POST /admin/four-eyes/{asset}": _WHY | {"amount": "5"},
        "POST /admin/proposals/{proposal_id}/approve": _WHY
        | _CODE
        | {"digest": known.proposals[0]["digest"]},
        "POST /admin/proposals/{proposal_id}/reject": _WHY,
        "POST /admin/markets/{market}/state": _WHY | {"state": "post_only"},
        "POST /admin/markets/{market}/limits": _LIMITS,
        "POST /admin/markets/{market}/listing": _LISTING,
        f"{case}/decision": _WHY | {"attempt": 1, "outcome": "approve"},
        f"{case}/lower": _WHY | {"level": 1},
        f"{case}/reopen": _WHY,
        f"{case}/erasure": _WHY | {"ended_on": "2026-11-20"},
        "POST /operator/tenants": {
            "reason": "Contract 4711",
            "tenant": yaml.safe_load((TENANTS / "aurora.yaml").read_text()),
        },
        **{
            f"{tenant}/{kind}": {"reason": "Contract 4711"}
            for kind in ("suspend", "resume", "export", "delete")
        },
    }
