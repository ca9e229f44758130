"""Sub-accounts and transfers between them, over the function's own handler."""

from types import ModuleType
from typing import Any

import pytest

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.kernel.identifiers import SUB_ACCOUNTS_MAX, AccountId, TenantId
from tests.doubles.exchange import ALICE, BOB, Exchange, WorkingClock, read_event
from tests.unit.conftest import (
    Context,
    Response,
    Send,
    response_of,
    signed_in_request,
    started_sub_accounts,
)
from wire import codec
from wire import layout as w

FIRST = str(ALICE.sub_account(1))
SECOND = str(ALICE.sub_account(2))


@pytest.fixture
def function(clock: WorkingClock) -> ModuleType:
    return started_sub_accounts(clock)


class User:
    """One user's requests."""

    def __init__(self, function: ModuleType, account: AccountId = ALICE) -> None:
        self._function = function
        self._account = account

    def __call__(self, method: str, path: str, body: object = None, key: str = "") -> Response:
        headers = {"Idempotency-Key": key} if key else {}
        return signed_in_request(
            self._function, method, path, body, account=self._account, headers=headers
        )

    def open(self, label: str = "bot", key: str = "") -> Response:
        return self("POST", "/sub-accounts", {"label": label}, key)

    def transfer(self, key: str = "", **changed: Any) -> Response:
        body = {"from": str(ALICE), "to": FIRST, "asset": "USDT", "amount": "10"} | changed
        return self("POST", "/transfers", body, key)


@pytest.fixture
def alice(function: ModuleType) -> User:
    return User(function)


def balances(send: Send, account: str) -> dict[str, Any]:
    response = send("GET", "/balances", headers={"X-Account": account})
    return {one["asset"]: one["available"] for one in response.body["items"]}


def test_a_sub_account_is_opened_renamed_and_closed(alice: User) -> None:
    opened = alice.open("grid bot")
    assert (opened.status, opened.body["account"], opened.body["state"]) == (201, FIRST, "open")
    assert alice.open("other").body["account"] == SECOND
    renamed = alice("PUT", f"/sub-accounts/{FIRST}", {"label": "maker"})
    assert (renamed.status, renamed.body["label"]) == (200, "maker")
    closed = alice("DELETE", f"/sub-accounts/{FIRST}")
    assert (closed.status, closed.body["state"]) == (200, "closed")
    # Safe to repeat; and not to be renamed any more.
    assert alice("DELETE", f"/sub-accounts/{FIRST}").body == closed.body
    assert alice("PUT", f"/sub-accounts/{FIRST}", {"label": "x"}).body["code"] == "unknown_account"
    listed = alice("GET", "/sub-accounts").body
    assert listed["main_account"] == str(ALICE)
    assert [(one["account"], one["state"]) for one in listed["items"]] == [
        (FIRST, "closed"),
        (SECOND, "open"),
    ]
    # A free seat is taken again.
    assert alice.open("third").body["account"] == FIRST


def test_the_same_key_opens_one(alice: User) -> None:
    first = alice.open("bot", "k1")
    assert alice.open("bot", "k1").body == first.body
    assert alice.open("other", "k1").body["code"] == "idempotency_key_reused"
    alice("PUT", f"/sub-accounts/{FIRST}", {"label": "renamed"})
    assert alice.open("bot", "k1").body["account"] == FIRST
    assert len(alice("GET", "/sub-accounts").body["items"]) == 1


def test_a_user_has_so_many(alice: User) -> None:
    names = {alice.open(f"bot {number}").body["account"] for number in range(SUB_ACCOUNTS_MAX)}
    assert len(names) == SUB_ACCOUNTS_MAX
    refused = alice.open()
    assert (refused.status, refused.body["code"]) == (422, "too_many_sub_accounts")


def test_of_two_at_once_each_gets_a_seat_of_its_own(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's is written after this one has read."""
    read, others = SubAccountsTable.read, iter(["other"])

    def read_then_lose(table: SubAccountsTable, owner: AccountId) -> Any:
        found = read(table, owner)
        for label in others:
            other = SubAccount(ALICE.sub_account(1), label, 1)
            assert table.replace(owner, SubAccountList({1: other}, found.version))
        return found

    monkeypatch.setattr(SubAccountsTable, "read", read_then_lose)
    assert alice.open("mine").body["account"] == SECOND
    labels = [one["label"] for one in alice("GET", "/sub-accounts").body["items"]]
    assert labels == ["other", "mine"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "missing_body"),
        ({}, "missing_field"),
        ({"label": ""}, "invalid_label"),
        ({"label": " bot"}, "invalid_label"),
        ({"label": "a\nb"}, "invalid_label"),
        ({"label": "x" * 65}, "invalid_label"),
        ({"label": 5}, "not_a_string"),
        ({"label": "bot", "account": "t1-2"}, "unknown_field"),
    ],
)
def test_bad_labels(alice: User, body: object, code: str) -> None:
    refused = alice("POST", "/sub-accounts", body)
    assert (refused.status, refused.body["code"]) == (400, code)
    assert alice("GET", "/sub-accounts").body["items"] == []


def test_a_transfer_moves_and_is_listed_at_both_accounts(
    exchange: Exchange, alice: User, send: Send
) -> None:
    alice.open()
    before = balances(send, str(ALICE))
    made = alice.transfer(amount="10.50")
    assert made.status == 201
    assert (made.body["counter_account"], made.body["amount"]) == (FIRST, "10.5")
    assert balances(send, FIRST) == {"USDT": "10.5"}
    assert float(balances(send, str(ALICE))["USDT"]) == float(before["USDT"]) - 10.5
    (newest, *_) = alice("GET", "/transfers").body["items"]
    assert newest == made.body
    (other,) = signed_in_request(
        alice._function, "GET", "/transfers", headers={"X-Account": FIRST}
    ).body["items"]
    assert (other["direction"], other["reference"]) == ("in", made.body["reference"])
    assert other["counter_account"] == str(ALICE)
    back = alice.transfer(**{"from": FIRST, "to": str(ALICE), "amount": "10.5"})
    assert back.status == 201
    assert balances(send, str(ALICE)) == before


def test_the_same_key_is_one_transfer(exchange: Exchange, alice: User, send: Send) -> None:
    alice.open()
    first = alice.transfer("k1")
    for _ in range(3):
        assert alice.transfer("k1").body == first.body
    assert alice.transfer("k1", amount="11").body["code"] == "idempotency_key_reused"
    assert alice.transfer("k1", **{"from": FIRST, "to": str(ALICE)}).body["code"] == (
        "idempotency_key_reused"
    )
    assert balances(send, FIRST) == {"USDT": "10"}


def test_a_transfer_without_a_reply_pends_and_is_got_by_its_key(
    exchange: Exchange, alice: User, send: Send
) -> None:
    alice.open()
    exchange.asleep = True
    pending = alice.transfer("k1")
    assert (pending.status, pending.body["idempotency_key"]) == (202, "k1")
    exchange.asleep = False
    exchange.work()
    assert alice.transfer("k1").status == 201
    assert balances(send, FIRST) == {"USDT": "10"}


STRANGERS = {
    "another user's": str(BOB),
    "another user's sub-account": str(BOB.sub_account(1)),
    "nobody's": "t1-8888",
    "another tenant's of the same number": str(AccountId(TenantId(2), ALICE.index)),
    "the fee account": "t1-0",
    "a seat of the fee account": "t1-16777216",
    "a seat that there is not": f"t1-{21 << 24 | ALICE.index}",
    "never opened": SECOND,
    "no account": "main",
    "empty": "",
}


@pytest.mark.parametrize("about", STRANGERS)
def test_to_what_is_not_ones_own_or_not_open(exchange: Exchange, alice: User, about: str) -> None:
    User(alice._function, BOB).open()
    alice.open()
    records = len(exchange.records)
    refused = alice.transfer(to=STRANGERS[about])
    assert (refused.status, refused.body["code"]) == (404, "unknown_account")
    if about != "never opened":
        refused = alice.transfer(**{"from": STRANGERS[about], "to": str(ALICE)})
        assert (refused.status, refused.body["code"]) == (404, "unknown_account")
    assert len(exchange.records) == records


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"to": str(ALICE)}, 400, "same_account"),
        ({"asset": "XMR"}, 404, "unknown_asset"),
        ({"asset": "usdt"}, 404, "unknown_asset"),
        ({"amount": "0"}, 400, "amount_not_positive"),
        ({"amount": "-1"}, 400, "amount_not_positive"),
        ({"amount": "1e3"}, 400, "invalid_amount"),
        ({"amount": "0.00000000001"}, 400, "amount_too_precise"),
        ({"amount": "9" * 41}, 400, "amount_too_large"),
        ({"amount": 5}, 400, "not_a_string"),
        ({"amount": "9000000"}, 422, "insufficient_balance"),
        ({"reference": "x"}, 400, "unknown_field"),
    ],
)
def test_bad_transfers(alice: User, send: Send, changed: Any, status: int, code: str) -> None:
    alice.open()
    before = balances(send, str(ALICE))
    refused = alice.transfer(**changed)
    assert (refused.status, refused.body["code"]) == (status, code)
    assert balances(send, str(ALICE)) == before


def test_only_what_is_empty_is_closed(exchange: Exchange, alice: User) -> None:
    alice.open()
    alice.transfer()
    refused = alice("DELETE", f"/sub-accounts/{FIRST}")
    assert (refused.status, refused.body["code"]) == (409, "sub_account_not_empty")
    alice.transfer(**{"from": FIRST, "to": str(ALICE)})
    table, client = "identity", exchange._dynamodb
    row = {"pk": {"S": FIRST}, "sk": {"S": "keys"}, "active": {"N": "1"}}
    client.put_item(TableName=table, Item=row)
    refused = alice("DELETE", f"/sub-accounts/{FIRST}")
    assert (refused.status, refused.body["code"]) == (409, "sub_account_has_keys")
    client.put_item(TableName=table, Item=row | {"active": {"N": "0"}})
    assert alice("DELETE", f"/sub-accounts/{FIRST}").status == 200
    assert alice.transfer().body["code"] == "unknown_account"


def test_what_came_too_late_is_taken_out_of_a_closed_one(
    exchange: Exchange, alice: User, send: Send
) -> None:
    alice.open()
    alice("DELETE", f"/sub-accounts/{FIRST}")
    sub = AccountId.parse(FIRST).number
    exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, sub, 2, 10**10)])
    assert alice.transfer(**{"from": FIRST, "to": str(ALICE), "amount": "1"}).status == 201
    assert balances(send, FIRST) == {"USDT": "0"}


def test_a_user_trades_for_a_sub_account_apart_from_the_main_one(alice: User, send: Send) -> None:
    alice.open()
    alice.transfer(amount="5000")
    order = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000"}
    order |= {"quantity": "0.1", "client_order_id": "mine"}
    placed = send("POST", "/orders", order, headers={"X-Account": FIRST})
    assert placed.status == 201
    assert send("GET", "/orders").body["items"] == []
    listed = send("GET", "/orders", headers={"X-Account": FIRST}).body["items"]
    assert [one["client_order_id"] for one in listed] == ["mine"]
    assert send("GET", f"/orders/{placed.body['order_id']}").status == 404
    # The main account's order of the same name is another one.
    assert send("POST", "/orders", order).status == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/sub-accounts"), ("POST", "/sub-accounts"), ("POST", "/transfers")],
)
def test_no_key_is_let_in_by_another_signature(
    function: ModuleType, method: str, path: str
) -> None:
    """A signature of another request; what a key may do is in test_transfers_by_key.py."""
    event = read_event("orders-place-signed") | {"httpMethod": method, "path": path}
    event["body"] = None
    response = response_of(function.handler(event, Context()))
    assert (response.status, response.body["code"]) == (401, "wrong_signature")


@pytest.mark.parametrize("about", STRANGERS)
def test_nobody_acts_for_an_account_that_is_not_its_own(send: Send, about: str) -> None:
    if about == "never opened":
        assert send("GET", "/balances", headers={"X-Account": SECOND}).body["items"] == []
        return
    refused = send("GET", "/balances", headers={"X-Account": STRANGERS[about]})
    assert (refused.status, refused.body["code"]) == (404, "unknown_account")
