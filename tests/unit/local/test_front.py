"""What a page in a browser can make of a request, and what becomes of it."""

import asyncio
from typing import Any

import pytest

from scripts.emulator.front import Front, Refused

HOST = "127.0.0.1:4566"
SECRET = "s3cret"  # noqa: S105 - a test's own
WEB = "http://demo.localhost:5173"


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "passed"})


FRONT = Front(nothing, frozenset({WEB}), SECRET)


def refusal(
    *headers: tuple[str, str], path: str = "/", method: str = "POST", kind: str = "http"
) -> str:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    refused = FRONT.refusal({"type": kind, "method": method, "path": path, "headers": raw})
    return refused.code if isinstance(refused, Refused) else ""


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:4566", ""),
        ("127.0.0.1", ""),
        ("localhost:4566", ""),
        ("LOCALHOST", ""),
        ("demo.localhost:4566", ""),
        ("bucket.s3.localhost:4566", ""),
        ("[::1]:4566", ""),
        ("172.17.0.1:33333", ""),
        ("evil.example", "foreign_host"),
        ("evil.example:4566", "foreign_host"),
        ("localhost.evil.example", "foreign_host"),
        ("127.0.0.1.evil.example:4566", "foreign_host"),
        ("evil.example@127.0.0.1:4566", ""),
        ("127.0.0.1@evil.example:4566", "foreign_host"),
        ("notlocalhost", "foreign_host"),
        ("localhost.", "foreign_host"),
        ("[evil", "foreign_host"),
        ("", "foreign_host"),
    ],
)
def test_a_name_that_a_name_server_could_point_here_is_refused(host: str, code: str) -> None:
    assert refusal(("host", host)) == code


def test_one_host_is_named() -> None:
    assert refusal() == "foreign_host"
    assert refusal(("host", HOST), ("host", "evil.example")) == "foreign_host"


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (f"http://{HOST}", ""),
        (WEB, ""),
        ("http://demo.localhost:5174", "foreign_origin"),
        ("https://demo.localhost:5173", "foreign_origin"),
        ("http://evil.demo.localhost:5173", "foreign_origin"),
        ("http://127.0.0.1:9999", "foreign_origin"),
        ("http://localhost:4566", "foreign_origin"),
        ("https://evil.example", "foreign_origin"),
        ("null", "foreign_origin"),
        ("", "foreign_origin"),
    ],
)
def test_pages_of_other_origins_are_refused(origin: str, code: str, kind: str) -> None:
    assert refusal(("host", HOST), ("origin", origin), kind=kind) == code


def test_each_of_two_origins_counts() -> None:
    both = (("host", HOST), ("origin", WEB), ("origin", "https://evil.example"))
    assert refusal(*both) == "foreign_origin"


@pytest.mark.parametrize(
    ("site", "mode", "destination", "method", "code"),
    [
        ("none", "navigate", "document", "GET", ""),
        ("same-origin", "cors", "empty", "GET", ""),
        ("cross-site", "navigate", "document", "GET", ""),
        ("cross-site", "navigate", "document", "POST", "foreign_site"),
        ("cross-site", "navigate", "iframe", "GET", "foreign_site"),
        ("cross-site", "no-cors", "image", "GET", "foreign_site"),
        ("same-site", "no-cors", "script", "GET", "foreign_site"),
    ],
)
def test_what_a_browser_sends_for_another_site_is_refused(
    site: str, mode: str, destination: str, method: str, code: str
) -> None:
    headers = (
        ("host", HOST),
        ("sec-fetch-site", site),
        ("sec-fetch-mode", mode),
        ("sec-fetch-dest", destination),
    )
    assert refusal(*headers, method=method) == code


@pytest.mark.parametrize(
    ("path", "key", "code"),
    [
        ("/_ministack/health", "", ""),
        ("/_ministack/reset", "", "key_required"),
        ("/_ministack/reset", "Bearer wrong", "key_required"),
        ("/_ministack/reset", f"Bearer {SECRET}", ""),
        ("/_ministack/sqs/messages", "", "key_required"),
        ("/_localstack/anything", "", "key_required"),
        ("/_aws/execute-api/a/v1/markets", "", ""),
    ],
)
def test_the_emulators_own_operations_need_the_key(path: str, key: str, code: str) -> None:
    headers = [("host", HOST), ("authorization", key)] if key else [("host", HOST)]
    assert refusal(*headers, path=path) == code


def answers(scope: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    asyncio.run(FRONT(scope, receive, send))
    return sent


def test_what_is_let_through_is_passed_on_untouched() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", HOST.encode())]}
    assert answers(scope) == [{"type": "passed"}]
    assert answers({"type": "lifespan"}) == [{"type": "passed"}]


def test_a_refusal_says_why_and_allows_no_page_to_read_it() -> None:
    headers = [(b"host", HOST.encode()), (b"origin", b"https://evil.example")]
    scope = {"type": "http", "method": "OPTIONS", "path": "/", "headers": headers}
    start, body = answers(scope)
    assert start["status"] == 403
    assert not [name for name, _ in start["headers"] if name.startswith(b"access-control")]
    assert b"https://evil.example" in body["body"]
    closed = answers(scope | {"type": "websocket"})
    assert closed == [{"type": "websocket.close", "code": 1008}]


def test_where_a_request_comes_from_is_not_what_it_says() -> None:
    """MiniStack would believe it, which AWS does not; API keys are held to addresses."""
    passed: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["headers"])

    sent = [(b"host", HOST.encode()), (b"X-Forwarded-For", b"203.0.113.5"), (b"accept", b"*/*")]
    scope = {"type": "http", "method": "GET", "path": "/", "headers": sent}
    never: Any = None
    asyncio.run(Front(application, frozenset(), SECRET)(scope, never, never))
    assert passed == [[sent[0], sent[2]]]
