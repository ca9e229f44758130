"""A request of one's own to every route, with names that the other tenant has too."""

import hmac
import json

from tests.unit.compliance.test_personal_data import ANNA
from tests.unit.isolation.brands import (
    CALLBACK_SECRET,
    KEY,
    ONLY_THEIRS,
    OURS,
    SELFIE,
    SHARED,
    Request,
)

# An event that reports nothing.
CALLED = {"type": "applicantCreated"}
OURS_SUB = f"{OURS}-16777217"
TRANSFER = {"from": f"{OURS}-1", "to": OURS_SUB, "asset": "USDT", "amount": "1"}
ORDER = {"side": "buy", "type": "limit", "price": "1", "quantity": "100"}


def order(market: str, **more: object) -> dict[str, object]:
    return {"market": market, **ORDER, **more}


def order_list(market: str, **more: object) -> dict[str, object]:
    """Return an entry and two exits, which needs less than its exits bring."""
    exits = [
        order(market, side="sell", price="3"),
        order(market, side="sell", type="stop_limit", price="0.5", trigger_price="0.5"),
    ]
    names = [{key: f"{value}{at}" for key, value in more.items()} for at in range(3)]
    return {
        "type": "bracket",
        "entry": order(market) | names[0],
        "exits": [one | named for one, named in zip(exits, names[1:], strict=True)],
    }


def transfer(**named: str) -> Request:
    return Request("/transfers", "POST", body=TRANSFER | named)


# What an own request brings, by route; the path's parameters are those of the other tenant's too.
OWN: dict[tuple[str, str], Request] = {
    ("get", "/health"): Request("/health"),
    ("get", "/openapi.json"): Request("/openapi.json"),
    ("get", "/tenant"): Request("/tenant"),
    ("get", "/markets"): Request("/markets"),
    ("get", "/markets/{market}"): Request(f"/markets/{SHARED}"),
    ("get", "/markets/{market}/book"): Request(f"/markets/{SHARED}/book"),
    ("get", "/markets/{market}/trades"): Request(f"/markets/{SHARED}/trades"),
    ("get", "/markets/{market}/candles"): Request(
        f"/markets/{SHARED}/candles", query={"interval": "1m"}
    ),
    ("get", "/markets/{market}/ticker"): Request(f"/markets/{SHARED}/ticker"),
    ("post", "/orders"): Request(
        "/orders", "POST", body=order(SHARED, client_order_id=f"{ONLY_THEIRS}:5", price="2")
    ),
    ("post", "/orders/batch"): Request(
        "/orders/batch",
        "POST",
        body={"operations": [order(SHARED, op="place", client_order_id=f"{ONLY_THEIRS}:4")]},
    ),
    ("get", "/orders"): Request("/orders", query={"limit": "500"}),
    ("get", "/orders/{order_id}"): Request("/orders/…"),
    ("get", "/orders/by-client-id/{client_order_id}"): Request(f"/orders/by-client-id/{SHARED}:5"),
    ("patch", "/orders/{order_id}"): Request("/orders/…", "PATCH", body={"quantity": "99"}),
    ("post", "/orders/{order_id}/replace"): Request(
        "/orders/…/replace", "POST", body={"price": "1.5", "client_order_id": f"{ONLY_THEIRS}:6"}
    ),
    ("delete", "/orders/by-client-id/{client_order_id}"): Request(
        f"/orders/by-client-id/{SHARED}:5", "DELETE"
    ),
    ("post", "/orders/cancel-all-after"): Request(
        "/orders/cancel-all-after", "POST", body={"timeout_ms": 0}
    ),
    ("post", "/order-lists"): Request(
        "/order-lists", "POST", body=order_list(SHARED, client_order_id=f"{ONLY_THEIRS}:7")
    ),
    ("get", "/order-lists"): Request("/order-lists"),
    ("get", "/order-lists/{list_id}"): Request("/order-lists/…"),
    ("delete", "/order-lists/{list_id}"): Request("/order-lists/…", "DELETE"),
    ("delete", "/orders/{order_id}"): Request("/orders/…", "DELETE"),
    ("delete", "/orders"): Request("/orders", "DELETE"),
    ("get", "/fills"): Request("/fills"),
    ("get", "/balances"): Request("/balances"),
    ("get", "/fees"): Request("/fees"),
    ("get", "/me"): Request("/me"),
    ("get", "/me/export"): Request("/me/export"),
    ("post", "/me/close"): Request("/me/close", "POST", body={"code": "123456"}),
    ("post", "/me/password"): Request(
        "/me/password", "POST", body={"password": "the owner's", "new_password": "y"}
    ),
    ("get", "/me/identities"): Request("/me/identities"),
    ("put", "/me/identities/{provider}"): Request("/me/identities/Google", "PUT", body={}),
    ("delete", "/me/identities/{provider}"): Request("/me/identities/Google", "DELETE"),
    ("get", "/me/preferences"): Request("/me/preferences"),
    ("put", "/me/preferences"): Request("/me/preferences", "PUT", body={"language": "de"}),
    ("post", "/ws-ticket"): Request("/ws-ticket", "POST"),
    ("get", "/sessions"): Request("/sessions"),
    ("delete", "/sessions/{session_id}"): Request(f"/sessions/session-{OURS}", "DELETE"),
    ("post", "/sessions/revoke"): Request(
        "/sessions/revoke", "POST", headers={"authorization": "Bearer a.b.c"}
    ),
    ("post", "/api-keys"): Request("/api-keys", "POST", body=KEY),
    ("get", "/api-keys"): Request("/api-keys"),
    ("delete", "/api-keys/{key_id}"): Request("/api-keys/(key)", "DELETE"),
    ("post", "/second-factor"): Request("/second-factor", "POST"),
    ("post", "/second-factor/confirm"): Request(
        "/second-factor/confirm", "POST", body={"code": "123456"}
    ),
    ("post", "/second-factor/remove"): Request(
        "/second-factor/remove", "POST", body={"code": "123456"}
    ),
    ("get", "/security-events"): Request("/security-events"),
    ("get", "/notices"): Request("/notices"),
    ("post", "/notices/read"): Request("/notices/read", "POST", body={"until_ms": 1}),
    ("get", "/sub-accounts"): Request("/sub-accounts"),
    ("post", "/sub-accounts"): Request("/sub-accounts", "POST", body={"label": "bot"}),
    ("put", "/sub-accounts/{account}"): Request(
        f"/sub-accounts/{OURS_SUB}", "PUT", body={"label": "bot 2"}
    ),
    ("delete", "/sub-accounts/{account}"): Request(f"/sub-accounts/{OURS_SUB}", "DELETE"),
    ("post", "/transfers"): transfer(),
    ("get", "/transfers"): Request("/transfers"),
    ("get", "/kyc"): Request("/kyc"),
    ("put", "/kyc/personal-data"): Request("/kyc/personal-data", "PUT", body=ANNA),
    ("post", "/kyc/documents"): Request("/kyc/documents", "POST", body=SELFIE),
    ("post", "/kyc/applications"): Request("/kyc/applications", "POST", body={"level": 1}),
    ("post", "/kyc/callbacks/{tenant}/{provider}"): Request(
        f"/kyc/callbacks/{OURS}/sumsub",
        "POST",
        body=CALLED,
        headers={
            "X-Payload-Digest-Alg": "HMAC_SHA256_HEX",
            "X-Payload-Digest": hmac.digest(
                CALLBACK_SECRET.encode(), json.dumps(CALLED).encode(), "sha256"
            ).hex(),
        },
    ),
}
