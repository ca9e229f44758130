"""Sumsub and Onfido as their documents describe them, on a port of this machine.

Both record what they are sent, and refuse what is not signed as they want it. What they answer next
can be set, so that every bad answer can be tried.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

APP_TOKEN, SECRET_KEY, API_TOKEN = "sbx:token", "secret-key", "api_sandbox.token"


class Sent(NamedTuple):
    """A request that came, in its parts."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def parts(self) -> dict[str, bytes]:
        """Return the parts of a form by their names."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        payload: Any = message_from_bytes(head + self.body).get_payload()
        return {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in payload
        }


class Answer(NamedTuple):
    status: int
    body: Any = None


class PlayedProvider:
    """What both have: what was sent, and answers that come before their own."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.next: list[Answer | bytes | float] = []
        self.url = ""

    def calls(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.sent]

    def is_signed(self, sent: Sent, target: str) -> bool:
        raise NotImplementedError

    def answer(self, sent: Sent) -> Answer:
        raise NotImplementedError

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve on a port of loopback."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", 0)))
                sent = Sent(self.command, unquote(parts.path), parse_qs(parts.query), headers, body)
                provider.sent.append(sent)
                answer: Any = provider.next.pop(0) if provider.next else None
                if isinstance(answer, float):
                    return  # The connection ends without an answer.
                if answer is None and not provider.is_signed(sent, self.path):
                    answer = Answer(401, {"code": 401})
                if answer is None:
                    answer = provider.answer(sent)
                data = answer if isinstance(answer, bytes) else json.dumps(answer.body).encode()
                self.send_response(200 if isinstance(answer, bytes) else answer.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_any  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


class PlayedSumsub(PlayedProvider):
    """Keeps applicants by their externalUserId."""

    def __init__(self) -> None:
        super().__init__()
        self.applicants: dict[str, dict[str, Any]] = {}

    def is_signed(self, sent: Sent, target: str) -> bool:
        text = f"{sent.headers.get('x-app-access-ts', '')}{sent.method}{target}".encode()
        right = hmac.new(SECRET_KEY.encode(), text + sent.body, hashlib.sha256).hexdigest()
        return sent.headers.get("x-app-access-sig") == right and (
            sent.headers.get("x-app-token") == APP_TOKEN
        )

    def review(self, reference: str, status: str, **result: Any) -> None:
        """Let a check end."""
        self.applicants[reference]["review"] = {
            "reviewId": "r1",
            "attemptCnt": 1,
            "reviewStatus": status,
            "reviewResult": result,
        }

    def callback(
        self, reference: str, secret: str, at: datetime, **said: Any
    ) -> tuple[bytes, dict[str, str]]:
        """Return the body of a callback about a check that has ended, and the headers with it."""
        body = {
            "applicantId": self.applicants[reference]["id"],
            "externalUserId": reference,
            "type": "applicantReviewed",
            "reviewStatus": "completed",
            "createdAtMs": at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        }
        data = json.dumps(body | said).encode()
        digest = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
        return data, {"X-Payload-Digest-Alg": "HMAC_SHA256_HEX", "X-Payload-Digest": digest}

    def answer(self, sent: Sent) -> Answer:
        named, head = "/-;externalUserId=", "/resources/applicants"
        if sent.method == "GET" and sent.path.startswith(head + named):
            found = self.applicants.get(sent.path.split("=", 1)[1].removesuffix("/one"))
            return Answer(404, {"code": 404}) if found is None else Answer(200, found)
        if sent.path == head:
            body = json.loads(sent.body)
            if body["externalUserId"] in self.applicants:
                return Answer(409, {"code": 409})
            number = len(self.applicants) + 1
            self.applicants[body["externalUserId"]] = body | {
                "id": f"applicant{number}",
                "levelName": sent.query["levelName"][0],
                "review": {"reviewStatus": "init"},
            }
            return Answer(201, self.applicants[body["externalUserId"]])
        id_, _, what = sent.path.removeprefix(head + "/").partition("/")
        applicant = next(one for one in self.applicants.values() if one["id"] == id_)
        if what == "info/idDoc":
            return Answer(200, json.loads(sent.parts()["metadata"]))
        assert what == "status/pending"
        applicant["review"] = {"reviewStatus": "pending"}
        return Answer(200, {"ok": 1})


class PlayedOnfido(PlayedProvider):
    """Keeps runs of workflows by their tags."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[dict[str, Any]] = []

    def is_signed(self, sent: Sent, target: str) -> bool:
        return sent.headers.get("authorization") == f"Token token={API_TOKEN}"

    def answer(self, sent: Sent) -> Answer:
        path = sent.path.removeprefix("/v3.6")
        if sent.method == "GET":
            assert path == "/workflow_runs"
            tags = set(sent.query["tags"])
            return Answer(200, [one for one in self.runs if tags & set(one["tags"])])
        if path == "/workflow_runs":
            body = json.loads(sent.body)
            run = body | {"id": f"run{len(self.runs) + 1}", "status": "processing", "reasons": []}
            self.runs.append(run)
            return Answer(201, run)
        assert path in {"/applicants", "/documents", "/live_photos"}
        return Answer(201, {"id": f"{path[1:]}-{len(self.sent)}"})
