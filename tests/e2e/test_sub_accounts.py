"""A sub-account's life by HTTP alone: opened, funded, traded with by a key of its own, emptied."""

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import boto3
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bursa.intake.message import CommandMessage, encode_message
from bursa.kernel.identifiers import AccountId
from scripts.client import ApiError, Client, Deployment, Json
from tests.doubles.authenticator import Codes
from tests.doubles.signing import CLIENT
from wire import codec
from wire import layout as w

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

PATIENCE_S = 30.0
TERMS = {"market": "ETH-USDT", "type": "limit", "price": "103.7", "quantity": "0.1"}
FUNDED = Decimal(500)


class Owner(Client):
    """A user, and requests as one of its accounts."""

    def balances(self, account: str) -> dict[str, Decimal]:
        listed = self.call("GET", "/balances", headers={"X-Account": account})["items"]
        return {one["asset"]: Decimal(one["total"]) for one in listed if Decimal(one["total"])}

    def transfer(self, sender: str, receiver: str, asset: str, amount: Decimal, key: str) -> Json:
        body = {"from": sender, "to": receiver, "asset": asset, "amount": f"{amount:f}"}
        return self.call("POST", "/transfers", json=body, headers={"Idempotency-Key": key})

    def transfers(self, account: str) -> list[Json]:
        """Read all transfers of an account, two a page."""
        found: list[Json] = []
        cursor = None
        while not found or cursor:
            params: Any = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = self.call("GET", "/transfers", params=params, headers={"X-Account": account})
            found += page["items"]
            cursor = page["next_cursor"]
        return found


@pytest.fixture(scope="module")
def owner(exchange: Deployment) -> Owner:
    return Owner(exchange, exchange.users[0])


@pytest.fixture(scope="module")
def sub(owner: Owner) -> str:
    key = {"Idempotency-Key": secrets.token_hex(8)}

    def opened(_: int) -> str:
        asked = {"label": "grid bot"}
        return str(owner.call("POST", "/sub-accounts", json=asked, headers=key)["account"])

    # The emulator starts a process for each that is under way, and one at a time here.
    first = opened(0)
    with ThreadPoolExecutor(2) as pool:
        (account,) = {first, *pool.map(opened, range(6))}
    return account


@pytest.fixture(scope="module")
def codes(owner: Owner) -> Iterator[Codes]:
    setup = owner.call("POST", "/second-factor")
    codes = Codes(setup["secret"])
    owner.call("POST", "/second-factor/confirm", json={"code": codes()})
    yield codes
    owner.call("POST", "/second-factor/remove", json={"code": codes()})


def read_until(read: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not is_there(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def test_an_owner_funds_a_sub_account_that_trades_by_its_own_key(
    exchange: Deployment, owner: Owner, sub: str, codes: Codes
) -> None:
    main = owner.call("GET", "/me")["account"]
    listed = owner.call("GET", "/sub-accounts")
    assert listed["main_account"] == main
    assert [one["label"] for one in listed["items"] if one["account"] == sub] == ["grid bot"]
    assert owner.call("GET", "/me", headers={"X-Account": sub})["account"] == sub

    # A flood under one key is one transfer.
    key = secrets.token_hex(8)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: owner.transfer(main, sub, "USDT", FUNDED, key), range(12)))
    assert [one["reference"] for one in made] == [made[0]["reference"]] * 12
    assert read_until(lambda: owner.balances(sub), bool) == {"USDT": FUNDED}

    asked = {"label": "bot", "scopes": ["read", "trade"], "algorithm": "hmac-sha256"}
    made_key = owner.call(
        "POST", "/api-keys", json=asked | {"code": codes()}, headers={"X-Account": sub}
    )
    key_id = made_key["key"]["key_id"]
    assert key_id.startswith(f"{sub}.")
    assert key_id not in {one["key_id"] for one in owner.call("GET", "/api-keys")["items"]}
    bot = requests.Session()
    bot.auth = CLIENT.KeyAuth(exchange.rest_url, key_id, CLIENT.hmac_signer(made_key["secret"]))

    bob = Client(exchange, exchange.users[1])
    bob.call("POST", "/orders", json=TERMS | {"side": "sell"})
    url = f"{exchange.rest_url}/orders"
    filled = bot.post(url, json=TERMS | {"side": "buy"}, timeout=30)
    assert (filled.status_code, filled.json()["status"]) == (201, "filled")
    held = read_until(lambda: owner.balances(sub), lambda found: "ETH" in found)
    assert held["USDT"] == FUNDED - Decimal("10.37")
    # The key is for this account alone, and moves nothing out of it.
    main_too = bot.get(f"{exchange.rest_url}/balances", headers={"X-Account": main}, timeout=30)
    assert (main_too.status_code, main_too.json()["code"]) == (400, "account_of_key")
    taken = {"from": sub, "to": main, "asset": "USDT", "amount": "1"}
    assert bot.post(f"{exchange.rest_url}/transfers", json=taken, timeout=30).status_code == 403

    with pytest.raises(ApiError) as refused:
        owner.call("DELETE", f"/sub-accounts/{sub}")
    assert refused.value.code == "sub_account_has_keys"
    owner.call("DELETE", f"/api-keys/{key_id}", headers={"X-Account": sub})
    with pytest.raises(ApiError) as refused:
        owner.call("DELETE", f"/sub-accounts/{sub}")
    assert refused.value.code == "sub_account_not_empty"
    with pytest.raises(ApiError) as refused:
        owner.transfer(sub, main, "USDT", FUNDED, secrets.token_hex(8))
    assert refused.value.code == "insufficient_balance"
    for asset, amount in held.items():
        owner.transfer(sub, main, asset, amount, secrets.token_hex(8))
    read_until(lambda: owner.balances(sub), lambda found: not found)

    pages = owner.transfers(sub)
    assert [(one["direction"], one["asset"]) for one in pages[-1:]] == [("in", "USDT")]
    assert sorted((one["direction"], one["asset"]) for one in pages) == [
        ("in", "USDT"),
        ("out", "ETH"),
        ("out", "USDT"),
    ]
    assert owner.call("DELETE", f"/sub-accounts/{sub}")["state"] == "closed"


def test_another_user_neither_sees_nor_uses_it(exchange: Deployment, owner: Owner) -> None:
    sub = owner.call("POST", "/sub-accounts", json={"label": "mine"})["account"]
    bob = Owner(exchange, exchange.users[1])
    assert sub not in {one["account"] for one in bob.call("GET", "/sub-accounts")["items"]}
    nobodys = f"t1-{(1 << 24) + 8888}"
    mine, told = bob.user.account, []
    for account in (sub, nobodys, "nonsense"):
        refusals = []
        for ask in (
            bob.balances,
            lambda one: bob.call("DELETE", f"/sub-accounts/{one}"),
            lambda one: bob.transfer(one, mine, "USDT", Decimal(1), secrets.token_hex(8)),
            lambda one: bob.transfer(mine, one, "USDT", Decimal(1), secrets.token_hex(8)),
        ):
            with pytest.raises(ApiError) as refused:
                ask(account)
            refused.value.problem.pop("request_id")
            refusals.append((refused.value.status, refused.value.problem))
        told.append(refusals)
    assert told[0] == told[1] == told[2]
    assert {status for status, _ in told[0]} == {404}
    owner.call("DELETE", f"/sub-accounts/{sub}")


def test_who_sends_transfers_can_take_nothing_from_another_user(
    exchange: Deployment, owner: Owner
) -> None:
    """The function's role, stolen: what it may put into its queue moves only within one user's."""
    thief, victim = (AccountId.parse(user.account) for user in exchange.users[:2])
    sqs: Any = boto3.client(
        "sqs",
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        aws_access_key_id=exchange.access_key_id,
        aws_secret_access_key=exchange.secret_access_key,
    )
    url = sqs.get_queue_url(QueueName="bursa-transfers-0.fifo")["QueueUrl"]
    bob = Owner(exchange, exchange.users[1])
    before = bob.balances(str(victim))
    actor = w.ACTOR_USER << w.ACTOR_KIND_SHIFT | 7
    words: Any = {"time_ms": time.time_ns() // 1_000_000, "actor": actor}
    forged = [
        codec.encode_funds(
            kind, account.number, asset, 10**6, to_account=to, **words, command_id=id_
        )
        for kind, account, to, id_ in (
            (w.COMMAND_TRANSFER, victim, thief.number, (7, secrets.randbits(62))),
            (w.COMMAND_TRANSFER, victim, thief.sub_account(1).number, (7, secrets.randbits(62))),
            (w.COMMAND_CREDIT, thief, 0, (7, secrets.randbits(62))),
            (w.COMMAND_DEBIT, victim, 0, (7, secrets.randbits(62))),
        )
        for asset in (1, 2, 3)
    ]
    for command in forged:
        account = victim if victim.number.to_bytes(8, "little") in command[:128] else thief
        name = secrets.token_hex(16)
        sqs.send_message(
            QueueUrl=url,
            MessageBody=encode_message(CommandMessage(name, account.number, command)),
            MessageGroupId=str(account),
            MessageDeduplicationId=name,
        )
    # Behind all of them: an honest one.
    sub = owner.call("POST", "/sub-accounts", json={"label": "after"})["account"]
    main = str(thief)
    for sender, receiver in ((main, sub), (sub, main)):
        owner.transfer(sender, receiver, "USDT", Decimal(1), secrets.token_hex(8))
    assert bob.balances(str(victim)) == before
    read_until(lambda: owner.balances(sub), lambda found: not found)
    owner.call("DELETE", f"/sub-accounts/{sub}")


def test_a_main_accounts_key_transfers_from_where_its_owner_said(
    exchange: Deployment, owner: Owner, codes: Codes
) -> None:
    main = owner.call("GET", "/me")["account"]
    to = owner.call("POST", "/sub-accounts", json={"label": "by key"})["account"]
    private = Ed25519PrivateKey.generate()
    public = b64encode(private.public_key().public_bytes_raw()).decode()
    asked = {"label": "treasurer", "scopes": ["transfer"], "algorithm": "ed25519"}
    asked |= {"public_key": public, "code": codes()}
    with pytest.raises(ApiError) as refused:
        owner.call("POST", "/api-keys", json=asked)
    assert refused.value.code == "addresses_required"
    made = owner.call("POST", "/api-keys", json=asked | {"addresses": ["127.0.0.1/32"]})
    bot = requests.Session()
    bot.auth = CLIENT.KeyAuth(exchange.rest_url, made["key"]["key_id"], private.sign)
    url = f"{exchange.rest_url}/transfers"
    body = {"from": main, "to": to, "asset": "USDT", "amount": "3"}

    def move() -> requests.Response:
        return bot.post(url, json=body, headers={"Idempotency-Key": "by-key"}, timeout=30)

    for _ in range(2):
        moved = read_until(move, lambda response: response.status_code != 202)
        assert (moved.status_code, moved.json().get("amount")) == (201, "3")
    assert read_until(lambda: owner.balances(to), bool) == {"USDT": Decimal(3)}
    # It moves, and neither reads nor opens anything.
    assert bot.get(f"{exchange.rest_url}/balances", timeout=30).status_code == 403
    owner.call("DELETE", f"/api-keys/{made['key']['key_id']}")
    owner.transfer(to, main, "USDT", Decimal(3), secrets.token_hex(8))
