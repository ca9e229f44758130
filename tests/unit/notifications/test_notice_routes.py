"""A user's notices: pages, what is read, languages, and whose they are."""

import json
from types import ModuleType
from typing import Any

import pytest

from bursa.kernel.identifiers import AccountId
from bursa.notifications.notices import Happening, notice_of
from bursa.notifications.notices_dynamodb import NoticesTable
from tests.doubles.exchange import ALICE, BOB, NOON_MS, TENANT, Exchange, read_event
from tests.unit.conftest import Context, Response, as_documented, response_of, started

NOW_MS = NOON_MS + 3_600_000


class Clock:
    def now_ms(self) -> int:
        return NOON_MS


@pytest.fixture
def api(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    del exchange  # opened before the function starts
    monkeypatch.setattr("bursa.kernel.clock.SystemClock.now_ms", lambda _: NOW_MS)
    return started("identity_api.app")


@pytest.fixture
def table(exchange: Exchange) -> NoticesTable:
    return NoticesTable(exchange._dynamodb, "notices", Clock())


def happen(
    table: NoticesTable,
    at_ms: int,
    account: AccountId = ALICE,
    kind: str = "",
    told_at_ms: int | None = None,
) -> None:
    kind = kind or "security.new_device"
    facts = {"address": "198.51.100.7", "about": ""}
    one = Happening(f"{kind}/{at_ms}", TENANT, account, "alice", kind, at_ms, facts)
    table.keep(notice_of(one, account, at_ms if told_at_ms is None else told_at_ms))


def send(
    api: ModuleType,
    method: str = "GET",
    body: object = None,
    account: AccountId = ALICE,
    *,
    key: str = "",
    **query: Any,
) -> Response:
    path = "/notices" if method == "GET" else "/notices/read"
    event = read_event("me") | {"httpMethod": method, "path": path, "resource": path}
    caller = {"user": "alice", "account": str(account), "tenant": str(account.tenant)}
    event["requestContext"]["authorizer"] |= caller
    if key:
        event["requestContext"]["authorizer"] |= {"key": key, "method": "api_key"}
    event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
    event["queryStringParameters"] = query or None
    event["multiValueQueryStringParameters"] = {n: [t] for n, t in query.items()} or None
    response = response_of(api.handler(event, Context()))
    return as_documented(method, path, response)


def times(response: Response) -> list[int]:
    assert response.status == 200, response
    return [one["at_ms"] for one in response.body["items"]]


def test_nothing_was_told_yet(api: ModuleType) -> None:
    assert send(api).body == {"items": [], "next_cursor": None, "read_until_ms": 0}


def test_pages_hold_all_of_them_once_newest_first(api: ModuleType, table: NoticesTable) -> None:
    expected = [NOON_MS + second for second in range(7)]
    for at_ms in expected:
        happen(table, at_ms)
    happen(table, NOON_MS, kind="kyc.approved")
    found: list[int] = []
    query: Any = {"limit": "3"}
    while True:
        page = send(api, **query)
        found += times(page)
        if page.body["next_cursor"] is None:
            break
        assert len(page.body["items"]) == 3
        query["cursor"] = page.body["next_cursor"]
    assert found == [*reversed(expected), NOON_MS]


def test_what_is_read_stays_read(api: ModuleType, table: NoticesTable) -> None:
    for second in range(3):
        happen(table, NOON_MS + second)
    assert send(api, "POST", {"until_ms": NOON_MS + 1}).body == {"read_until_ms": NOON_MS + 1}
    assert send(api, "POST", {"until_ms": NOON_MS}).body == {"read_until_ms": NOON_MS + 1}
    page = send(api).body
    assert [one["is_read"] for one in page["items"]] == [False, True, True]
    assert page["read_until_ms"] == NOON_MS + 1


def test_what_is_known_later_is_not_read_already(api: ModuleType, table: NoticesTable) -> None:
    """A factor that was changed at the pool is told minutes later, by CloudTrail."""
    happen(table, NOON_MS)
    send(api, "POST", {"until_ms": NOON_MS})
    happen(table, NOON_MS - 600_000, kind="security.password_changed", told_at_ms=NOON_MS + 5)
    late, early = send(api).body["items"]
    assert (late["at_ms"], late["told_at_ms"]) == (NOON_MS - 600_000, NOON_MS + 5)
    assert (late["is_read"], early["is_read"]) == (False, True)
    assert send(api, "POST", {"until_ms": late["told_at_ms"]}).status == 200
    assert [one["is_read"] for one in send(api).body["items"]] == [True, True]


def test_nothing_is_read_that_is_not_there_yet(api: ModuleType, table: NoticesTable) -> None:
    """Or a thief could hide from the owner whatever it does from then on."""
    read = send(api, "POST", {"until_ms": (1 << 46) - 1}).body["read_until_ms"]
    assert read == NOW_MS
    happen(table, read + 60_000)
    assert [one["is_read"] for one in send(api).body["items"]] == [False]


def test_a_notice_is_told_in_words(api: ModuleType, table: NoticesTable) -> None:
    happen(table, NOON_MS)
    happen(table, NOON_MS + 1, kind="security.of_a_later_version")
    (notice,) = send(api).body["items"]
    assert notice["title"] == "A sign-in from a new device"
    assert "from 198.51.100.7" in notice["text"]
    assert notice["facts"] == {"address": "198.51.100.7", "about": ""}


def test_they_are_the_users_own_whichever_of_its_accounts(
    api: ModuleType, table: NoticesTable
) -> None:
    happen(table, NOON_MS, ALICE.sub_account(1))
    assert times(send(api)) == times(send(api, account=ALICE.sub_account(2))) == [NOON_MS]
    assert times(send(api, account=BOB)) == []
    send(api, "POST", {"until_ms": NOON_MS}, BOB)
    assert send(api).body["read_until_ms"] == 0


def test_no_api_key_reads_them(api: ModuleType) -> None:
    for response in (send(api, key="t1-1.0"), send(api, "POST", {"until_ms": 1}, key="t1-1.0")):
        assert response.status in {401, 403}, response


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "0"}, "invalid_limit"),
        ({"limit": "101"}, "invalid_limit"),
        ({"cursor": ""}, "invalid_cursor"),
        ({"cursor": "~"}, "invalid_cursor"),
        ({"cursor": "1-1"}, "invalid_cursor"),
        ({"cursor": "\u0661" * 15 + "-" + "0" * 16}, "invalid_cursor"),
        ({"since": "1"}, "unknown_parameter"),
    ],
    ids=str,
)
def test_bad_pages_are_refused(api: ModuleType, query: dict[str, Any], code: str) -> None:
    response = send(api, **query)
    assert (response.status, response.body["code"]) == (400, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "missing_body"),
        ("{", "invalid_json"),
        ({}, "missing_field"),
        ({"until_ms": "1"}, "wrong_type"),
        ({"until_ms": 1.5}, "wrong_type"),
        ({"until_ms": True}, "wrong_type"),
        ({"until_ms": -1}, "invalid_until_ms"),
        ({"until_ms": 1 << 46}, "invalid_until_ms"),
        ({"until_ms": 1, "all": True}, "unknown_field"),
    ],
    ids=str,
)
def test_bad_marks_are_refused(api: ModuleType, body: object, code: str) -> None:
    response = send(api, "POST", body)
    assert (response.status, response.body["code"]) == (400, code)
    assert send(api).body["read_until_ms"] == 0
