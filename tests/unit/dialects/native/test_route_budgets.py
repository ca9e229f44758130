"""Every signed-in route is charged to a budget: a flood of any of them is one that is counted.

The table has all routes, so a new one can't escape it; see also `test_strict_requests`.
"""

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from bursa.bootstrap import identity, security
from bursa.dialects.native.operation import Operation
from bursa.dialects.native.operations import OPERATIONS
from bursa.identity.principal import Scope
from bursa.intake.budgets import Budget, Charge
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import RateState
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import ALICE, TENANT, Exchange, WorkingClock, read_event
from tests.doubles.factors import AnyCode
from tests.unit.conftest import (
    Context,
    opened,
    response_of,
    started,
    started_sub_accounts,
    started_trading_api,
)

ORDER = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "1"}
BODIES: dict[str, Any] = {
    "/orders": ORDER,
    "/orders/batch": {
        "operations": [{"op": "place"} | ORDER, {"op": "cancel", "order_id": "A" * 32}],
    },
    "/order-lists": {
        "type": "bracket",
        "entry": ORDER,
        "exits": [
            ORDER | {"side": "sell", "price": "22000"},
            ORDER | {"side": "sell", "type": "stop_limit", "trigger_price": "20000"},
        ],
    },
    "/orders/{order_id}/replace": {"price": "20000"},
    "/orders/cancel-all-after": {"timeout_ms": 0},
    "/sub-accounts": {"label": "bot"},
    "/transfers": {"from": "t1-1", "to": "t1-16777217", "asset": "USDT", "amount": "1"},
}
BUDGETS = {
    ("post", "/orders"): {Budget.COMMANDS},
    ("post", "/orders/batch"): {Budget.COMMANDS, Budget.CANCELS},
    ("post", "/order-lists"): {Budget.COMMANDS},
    ("get", "/order-lists"): {Budget.READS},
    ("get", "/order-lists/{list_id}"): {Budget.READS},
    ("delete", "/order-lists/{list_id}"): {Budget.CANCELS},
    ("get", "/orders"): {Budget.READS},
    ("get", "/orders/{order_id}"): {Budget.READS},
    ("get", "/orders/by-client-id/{client_order_id}"): {Budget.READS},
    ("delete", "/orders/{order_id}"): {Budget.CANCELS},
    ("delete", "/orders"): {Budget.CANCELS},
    # The order is read before it is changed; here there is none.
    ("patch", "/orders/{order_id}"): {Budget.READS},
    ("post", "/orders/{order_id}/replace"): {Budget.READS},
    # There is none, which is looked for.
    ("delete", "/orders/by-client-id/{client_order_id}"): {Budget.CANCELS, Budget.READS},
    ("post", "/orders/cancel-all-after"): {Budget.CANCELS},
    ("get", "/fills"): {Budget.READS},
    ("get", "/fees"): {Budget.READS},
    ("get", "/balances"): {Budget.READS},
    ("get", "/me"): {Budget.READS},
    ("get", "/me/export"): {Budget.READS},
    ("post", "/me/close"): {Budget.READS},
    ("post", "/me/password"): {Budget.READS},
    ("get", "/me/identities"): {Budget.READS},
    ("put", "/me/identities/{provider}"): {Budget.READS},
    ("delete", "/me/identities/{provider}"): {Budget.SESSIONS},
    ("get", "/me/preferences"): {Budget.READS},
    ("put", "/me/preferences"): {Budget.READS},
    ("post", "/ws-ticket"): {Budget.READS},
    # Of its own, so that a thief's flood keeps nobody from ending the sessions.
    ("post", "/sessions/revoke"): {Budget.SESSIONS},
    ("get", "/sessions"): {Budget.READS},
    ("delete", "/sessions/{session_id}"): {Budget.SESSIONS},
    ("delete", "/api-keys/{key_id}"): {Budget.SESSIONS},
    ("post", "/api-keys"): {Budget.READS},
    ("get", "/api-keys"): {Budget.READS},
    ("get", "/sub-accounts"): {Budget.READS},
    ("post", "/sub-accounts"): {Budget.READS},
    ("put", "/sub-accounts/{account}"): {Budget.READS},
    ("delete", "/sub-accounts/{account}"): {Budget.READS},
    ("post", "/transfers"): {Budget.COMMANDS},
    ("get", "/transfers"): {Budget.READS},
    ("get", "/kyc"): {Budget.READS},
    ("put", "/kyc/personal-data"): {Budget.READS},
    ("post", "/kyc/documents"): {Budget.READS},
    ("post", "/kyc/applications"): {Budget.READS},
    ("post", "/second-factor"): {Budget.READS},
    ("post", "/second-factor/confirm"): {Budget.READS},
    ("post", "/second-factor/remove"): {Budget.READS},
    ("get", "/security-events"): {Budget.READS},
    ("get", "/notices"): {Budget.READS},
    ("post", "/notices/read"): {Budget.READS},
}
SIGNED_IN = [one for one in OPERATIONS if not one.public]


class Recorder:
    """Budgets of which nothing is ever used up."""

    def __init__(self) -> None:
        self.asked = 0
        self.charged: set[Budget] = set()

    def know(self, account: AccountId, own: AccountLimits) -> None:
        assert (account, own) == (ALICE, NO_OWN_LIMITS)

    def require(self, account: AccountId, charges: tuple[Charge, ...]) -> None:
        assert account == ALICE
        self.asked += 1
        self.charged |= {charge.budget for charge in charges if charge.amount > 0}

    def state(self, _account: AccountId, _budget: Budget) -> RateState:
        return RateState(1, 1, 0)

    def spare(self, account: AccountId, charge: Charge) -> bool:
        self.require(account, (charge,))
        return True


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with opened() as exchange:
        DirectoryTable(exchange._dynamodb, "directory").open_account(TENANT, "alice")
        yield exchange


@pytest.fixture(scope="module")
def functions(exchange: Exchange) -> Iterator[tuple[ModuleType, ...]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "cognito_client", _Cognito)
        patch.setattr(security, "cognito_client", _Cognito)
        patch.setattr(security, "SecondFactor", AnyCode)
        yield (
            started_trading_api(WorkingClock(exchange)),
            started("identity_api.app"),
            started("kyc.app"),
            started_sub_accounts(WorkingClock(exchange)),
        )


class _Cognito:
    def global_sign_out(self, **_: str) -> None:
        """Revoke nothing."""

    def get_user(self, **_: str) -> dict[str, Any]:
        """Return a user without an address."""
        return {"UserAttributes": []}


def test_the_table_has_every_signed_in_route() -> None:
    assert set(BUDGETS) == {(one.method, one.path) for one in SIGNED_IN}


@pytest.mark.parametrize("operation", SIGNED_IN, ids=lambda one: one.name)
def test_a_request_is_charged(
    functions: tuple[ModuleType, ...], monkeypatch: pytest.MonkeyPatch, operation: Operation
) -> None:
    trading, about_callers, kyc, subs = functions
    recorder = Recorder()
    monkeypatch.setattr(trading.app, "_budgets", recorder)
    monkeypatch.setattr(about_callers.app, "_budgets", recorder)
    monkeypatch.setattr(kyc.app, "_budgets", recorder)
    monkeypatch.setattr(subs.app, "_budgets", recorder)
    for name in ("require", "state", "spare"):
        monkeypatch.setattr(trading.trading.budgets, name, getattr(recorder, name))
        monkeypatch.setattr(subs.services.budgets, name, getattr(recorder, name))
    is_about_caller = operation.scope is Scope.ACCOUNT or operation.path in {"/me", "/ws-ticket"}

    function = about_callers if is_about_caller else trading
    if operation.path.startswith("/kyc"):
        function = kyc
    if operation.path.startswith(("/sub-accounts", "/transfers")):
        function = subs

    response = response_of(function.handler(event_of(operation), Context()))

    assert response.status < 500
    assert recorder.charged == BUDGETS[operation.method, operation.path]


def event_of(operation: Operation) -> dict[str, Any]:
    path = operation.path.replace("{client_order_id}", "mine")
    for name in ("{order_id}", "{list_id}"):
        path = path.replace(name, "A" * 32)
    body = BODIES.get(operation.path) if operation.method == "post" else None
    event = read_event("sessions-revoke") | {"path": path, "resource": path}
    event |= {"httpMethod": operation.method.upper(), "queryStringParameters": None}
    event["body"] = None if body is None else json.dumps(body)
    event["requestContext"]["authorizer"] |= {"user": "alice", "account": str(ALICE)}
    return event
