"""Sessions one by one: who sees them, who ends them, and what that ends."""

import re
import time
from types import ModuleType
from typing import Any

import pytest

from bursa.aws.table_writer import TableWriter
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEventKind
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.identity.session_book import SESSION_KEPT_MS, SessionBook, Sighting
from bursa.identity.session_books_dynamodb import SessionBookErasure, SessionBookRows
from bursa.kernel import keys
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import TenantId
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.read_models.rows import ConnectionRow
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.ended_sessions_dynamodb import ENDED_MAX
from scripts.templates import BLUEPRINTS
from tests.contract.templates import template
from tests.doubles.exchange import ALICE, TENANT, Exchange, read_event
from tests.doubles.user_pool import token
from tests.unit.conftest import Context, Response, as_documented, response_of, started

NOW_S = int(time.time())
PAUSE_MS = 86_400_000
PHONE, LAPTOP, THIEF = "phone-1", "laptop-1", "thief-1"
AGENTS = {PHONE: "BrandApp/7 (Android 15)", LAPTOP: "Firefox/131.0", THIEF: "python-requests/2"}
# Of one place each, so that all but the first are devices that nobody has seen.
ADDRESSES = {PHONE: "198.51.100.7", LAPTOP: "203.0.113.9", THIEF: "192.0.2.66"}


class Sockets:
    """Remembers what was closed."""

    def __init__(self) -> None:
        self.closed: list[str] = []

    def close(self, connection_ids: Any, _bodies: Any) -> None:
        self.closed += connection_ids


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    sockets = Sockets()
    monkeypatch.setattr("bursa.bootstrap.sockets.Sockets", lambda *_, **__: sockets)
    return sockets


@pytest.fixture
def directory(exchange: Exchange) -> DirectoryTable:
    return DirectoryTable(exchange._dynamodb, "directory")


@pytest.fixture
def identity_api(authorizer: ModuleType, sockets: Sockets) -> ModuleType:
    return started("identity_api.app")


def use(authorizer: ModuleType, session: str, *, user: str = "alice", began: int = 60) -> Any:
    """Ask as a client does; return the verdict."""
    sent = token(sub=user, origin_jti=session, auth_time=NOW_S - began)
    event = read_event("authorizer-request")
    event["headers"] = {"authorization": f"Bearer {sent}", "User-Agent": AGENTS.get(session, "")}
    event["requestContext"] = {"identity": {"sourceIp": ADDRESSES.get(session, "198.51.100.7")}}
    return authorizer.handler(event, Context())


def call(
    api: ModuleType, verb: str, session: str, path: str = "/sessions", **context: str
) -> Response:
    event = read_event("sessions-revoke") | {"httpMethod": verb, "path": path, "body": None}
    event["requestContext"]["authorizer"] |= {
        "user": "alice",
        "account": str(ALICE),
        "session": session,
        "signed_in_at": str(NOW_S - 60),
    } | context
    documented = "/sessions/{session_id}" if verb == "DELETE" else path
    documented = re.sub("(?<=/identities/).+", "{provider}", documented)
    return as_documented(verb, documented, response_of(api.handler(event, Context())))


def events(user: str = "alice") -> list[tuple[SecurityEventKind, str, str]]:
    found = SecurityEventsTable(IdentityModels("identity")).events(TENANT, user)
    return [(one.kind, one.address, one.about) for one in found]


def connect(exchange: Exchange, name: str, user: str, session: str) -> None:
    client = exchange._dynamodb
    ConnectionsTable(client, "connections", TableWriter(client, threads=1)).open(
        ConnectionRow(
            "t1", name, str(ALICE), NOW_S * 1_000, NOW_S + 600, user=user, session=session
        )
    )


def test_a_session_that_is_used_is_listed(authorizer: ModuleType, identity_api: ModuleType) -> None:
    before_ms = NOW_S * 1_000
    use(authorizer, PHONE)
    use(authorizer, LAPTOP, began=30)
    response = call(identity_api, "GET", PHONE)
    assert response.status == 200
    laptop, phone = response.body["items"]
    assert before_ms <= phone.pop("last_seen_at_ms") <= laptop.pop("last_seen_at_ms")
    assert phone == {
        "session_id": PHONE,
        "is_current": True,
        "signed_in_at_ms": (NOW_S - 60) * 1_000,
        "user_agent": AGENTS[PHONE],
        "address": ADDRESSES[PHONE],
    }
    assert (laptop["session_id"], laptop["is_current"]) == (LAPTOP, False)
    assert (response.body["is_complete"], response.body["next_cursor"]) == (True, None)


def test_it_is_noted_once_however_often_it_is_used(
    authorizer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    find = SessionBookRows.find

    def counted(self: SessionBookRows, tenant: TenantId, user: str) -> SessionBook:
        calls.append(user)
        return find(self, tenant, user)

    monkeypatch.setattr(SessionBookRows, "find", counted)
    for _ in range(5):
        use(authorizer, PHONE)
    assert calls == ["alice"]


def test_what_can_not_be_noted_keeps_nobody_out_and_is_left_alone_for_a_while(
    authorizer: ModuleType, exchange: Exchange, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange._dynamodb.delete_table(TableName="identity")
    for session in (PHONE, LAPTOP):
        assert use(authorizer, session)["context"]["session"] == session
    printed = capsys.readouterr().out
    assert printed.count('"SessionsUnnoted":[1.0]') == 1


def test_a_new_device_is_told_and_pauses_withdrawals(
    authorizer: ModuleType, identity_api: ModuleType, directory: DirectoryTable
) -> None:
    use(authorizer, PHONE)
    assert events() == []
    for _ in range(2):
        use(authorizer, THIEF)
    assert events() == [(SecurityEventKind.NEW_DEVICE, ADDRESSES[THIEF], THIEF)]
    pause = SecurityEventsTable(IdentityModels("identity")).pause(ALICE)
    assert pause is not None
    assert pause.why == "new_device"
    assert 0 <= pause.until_ms - PAUSE_MS - NOW_S * 1_000 < 3_600_000


def test_a_session_is_ended_with_its_websockets_and_no_other(
    authorizer: ModuleType,
    identity_api: ModuleType,
    exchange: Exchange,
    sockets: Sockets,
) -> None:
    for session in (PHONE, LAPTOP):
        use(authorizer, session)
    for name, user, session in (
        ("p1", "alice", PHONE),
        ("l1", "alice", LAPTOP),
        ("l2", "alice", LAPTOP),
        ("theirs", "bob", LAPTOP),
    ):
        connect(exchange, name, user, session)
    for closed in (2, 0):  # safe to repeat
        response = call(identity_api, "DELETE", PHONE, f"/sessions/{LAPTOP}")
        assert (response.status, response.body) == (
            200,
            {"session_id": LAPTOP, "connections_closed": closed},
        )
    assert sockets.closed == ["l1", "l2"]
    with pytest.raises(Exception, match="Unauthorized"):
        use(authorizer, LAPTOP)
    assert use(authorizer, PHONE)["context"]["user"] == "alice"
    listed = call(identity_api, "GET", PHONE).body["items"]
    assert [one["session_id"] for one in listed] == [PHONE]
    assert [kind for kind, _, _ in events()].count(SecurityEventKind.SESSION_ENDED) == 1


def test_a_refreshed_token_of_an_ended_session_is_refused_with_its_code(
    authorizer: ModuleType, identity_api: ModuleType
) -> None:
    use(authorizer, LAPTOP)
    call(identity_api, "DELETE", PHONE, f"/sessions/{LAPTOP}")
    for began in (60, 0):  # whatever the pool says about when it began
        with pytest.raises(Unauthenticated) as refused:
            authorizer.sign_in.by_token(token(origin_jti=LAPTOP, auth_time=NOW_S - began))
        assert refused.value.code == "session_ended"


def test_a_ticket_of_an_ended_session_opens_nothing(
    authorizer: ModuleType, identity_api: ModuleType
) -> None:
    use(authorizer, LAPTOP)
    event = read_event("ws-ticket")
    event["requestContext"]["authorizer"] |= {
        "user": "alice",
        "session": LAPTOP,
        "signed_in_at": str(NOW_S - 60),
        "expires_at": str(NOW_S + 80_000),
    }
    ticket = response_of(identity_api.handler(event, Context())).body["ticket"]
    call(identity_api, "DELETE", PHONE, f"/sessions/{LAPTOP}")
    with pytest.raises(Unauthenticated) as refused:
        authorizer.sign_in.by_ticket(ticket)
    assert refused.value.code == "session_ended"


@pytest.mark.parametrize(
    "session", ["nobodys", "bobs-1", "", "a~b", "x" * 500, "t1", "%2e%2e"], ids=str
)
def test_what_is_not_the_callers_is_not_there(
    authorizer: ModuleType, identity_api: ModuleType, directory: DirectoryTable, session: str
) -> None:
    directory.open_account(TENANT, "bob")
    use(authorizer, "bobs-1", user="bob")
    event = read_event("sessions-revoke") | {
        "httpMethod": "DELETE",
        "path": f"/sessions/{session}",
        "body": None,
    }
    event["requestContext"]["authorizer"] |= {"user": "alice", "session": PHONE}
    response = response_of(identity_api.handler(event, Context()))
    assert response.status == 404
    assert use(authorizer, "bobs-1", user="bob")["context"]["user"] == "bob"


def test_so_many_are_ended_one_by_one_and_then_all_at_once(
    authorizer: ModuleType, identity_api: ModuleType, directory: DirectoryTable
) -> None:
    for number in range(ENDED_MAX):
        assert directory.end_session(TENANT, "alice", f"s{number}", NOW_S - 60, NOW_S)
        assert directory.end_session(TENANT, "alice", f"s{number}", NOW_S - 60, NOW_S)
    use(authorizer, LAPTOP)
    refused = call(identity_api, "DELETE", PHONE, f"/sessions/{LAPTOP}")
    assert (refused.status, refused.body["code"]) == (422, "too_many_ended_sessions")
    assert use(authorizer, LAPTOP)["context"]["user"] == "alice"

    directory.end_sessions(TENANT, "alice", NOW_S - 50)
    assert directory.end_session(TENANT, "alice", "later", NOW_S - 40, NOW_S)
    alice = directory.user_of(TENANT, "alice")
    assert alice is not None
    assert alice.ended_sessions == {"later"}


def test_what_nothing_renews_any_more_is_forgotten(
    directory: DirectoryTable, authorizer: ModuleType
) -> None:
    for number in range(ENDED_MAX):
        directory.end_session(TENANT, "alice", f"s{number}", NOW_S - 60, NOW_S)
    later = NOW_S + SESSION_KEPT_MS // 1_000
    assert directory.end_session(TENANT, "alice", "new", later - 9, later)
    alice = directory.user_of(TENANT, "alice")
    assert alice is not None
    assert alice.ended_sessions == {"new"}


def test_no_user_is_made_by_ending_its_session(directory: DirectoryTable) -> None:
    assert not directory.end_session(TENANT, "mallory", "s", NOW_S, NOW_S)
    assert directory.user_of(TENANT, "mallory") is None


def test_no_session_outlives_what_is_remembered_of_its_end() -> None:
    identity = template(BLUEPRINTS / "identity.yaml")
    client = identity["Resources"]["UserPoolClient"]["Properties"]
    assert client["TokenValidityUnits"]["RefreshToken"] == "days"
    assert client["EnableTokenRevocation"] is True  # or else tokens don't name their session
    life_ms = client["RefreshTokenValidity"] * 86_400_000
    assert life_ms + client["AccessTokenValidity"] * 60_000 < SESSION_KEPT_MS


def test_signing_out_everywhere_is_told_once(
    authorizer: ModuleType, identity_api: ModuleType
) -> None:
    """The gateway keeps a verdict for seconds: who repeats it then must not fill the list."""
    use(authorizer, PHONE)
    for _ in range(3):
        event = read_event("sessions-revoke")
        event["requestContext"]["authorizer"] |= {
            "user": "alice",
            "session": PHONE,
            "signed_in_at": str(NOW_S - 60),
        }
        assert response_of(identity_api.handler(event, Context())).status == 200
    assert [kind for kind, _, _ in events()] == [SecurityEventKind.SIGNED_OUT_EVERYWHERE]
    assert call(identity_api, "GET", PHONE).body["items"] == []


def test_an_api_key_sees_and_ends_none(identity_api: ModuleType) -> None:
    for verb, path in (("GET", "/sessions"), ("DELETE", "/sessions/x")):
        response = call(identity_api, verb, "", path, method="api_key")
        assert (response.status, response.body["code"]) == (403, "token_required")


def test_of_two_processes_one_is_first_and_the_other_adds_to_what_it_wrote(
    exchange: Exchange,
) -> None:
    rows = SessionBookRows(lambda: exchange._dynamodb, "identity", lambda _: PAUSE_MS)
    empty = rows.find(TENANT, "alice")
    one, other = (
        empty.noted(Sighting(name, NOW_S, "x", "", NOW_S * 1_000)) for name in (PHONE, LAPTOP)
    )
    assert rows.write(TENANT, "alice", one)
    assert not rows.write(TENANT, "alice", other)
    assert rows.find(TENANT, "alice") == one
    key = {"pk": {"S": keys.user_records(TENANT, "alice")}, "sk": {"S": keys.SESSIONS}}
    assert "expires_at" not in exchange._dynamodb.get_item(TableName="identity", Key=key)["Item"]


def test_what_is_erased_of_a_book_leaves_no_address_and_makes_the_next_device_a_new_one(
    exchange: Exchange,
) -> None:
    rows = SessionBookRows(lambda: exchange._dynamodb, "identity", lambda _: PAUSE_MS)
    seen = Sighting(PHONE, NOW_S, "Firefox/1 on a phone", "198.51.100.7", NOW_S * 1_000)
    assert rows.write(TENANT, "alice", rows.find(TENANT, "alice").noted(seen))

    erasure = SessionBookErasure(lambda: exchange._dynamodb, "identity")
    for _ in range(2):
        erasure.empty(TENANT, "alice")
        erasure.empty(TENANT, "bob")
    stored = exchange._dynamodb.scan(TableName="identity")["Items"]
    assert [row["pk"]["S"] for row in stored] == [keys.user_records(TENANT, "alice")]
    assert "198.51.100.7" not in str(stored)
    assert "Firefox" not in str(stored)
    book = rows.find(TENANT, "alice")
    assert not book.sessions
    assert book.is_new_device(seen)
    assert rows.write(TENANT, "alice", book.noted(seen))


WAYS_IN = {
    "a key": ("POST", "/api-keys"),
    "a second factor": ("POST", "/second-factor"),
    "its first code": ("POST", "/second-factor/confirm"),
    "no second factor": ("POST", "/second-factor/remove"),
    "a password": ("POST", "/me/password"),
    "a provider": ("PUT", "/me/identities/Google"),
}


@pytest.mark.parametrize(("verb", "path"), WAYS_IN.values(), ids=WAYS_IN)
def test_who_still_has_a_verdict_of_a_session_that_was_ended_makes_no_other_way_in(
    authorizer: ModuleType, identity_api: ModuleType, sockets: Sockets, verb: str, path: str
) -> None:
    use(authorizer, THIEF)
    use(authorizer, PHONE)
    before = call(identity_api, verb, THIEF, path)
    assert (before.status, before.body["code"]) != (401, "session_ended")
    assert call(identity_api, "DELETE", PHONE, f"/sessions/{THIEF}").status == 200
    # As the gateway goes on to say for some seconds.
    refused = call(identity_api, verb, THIEF, path)
    assert (refused.status, refused.body["code"]) == (401, "session_ended")
    own = call(identity_api, verb, PHONE, path)
    assert (own.status, own.body["code"]) == (before.status, before.body["code"])
