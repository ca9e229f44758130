"""An identity provider by OpenID Connect, on loopback: who signs in is whom the test names."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "bursa-at-the-provider", "known to both"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OidcProvider(ThreadingHTTPServer):
    """The code flow of RFC 6749 and what it needs of OpenID Connect Core."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.person: dict[str, Any] = {}
        self._codes: dict[str, dict[str, Any]] = {}

    @property
    def issuer(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def code(self) -> str:
        """Return a code for who signs in now; it is good once."""
        code = secrets.token_urlsafe()
        self._codes[code] = dict(self.person)
        return code

    def id_token(self, code: str) -> str | None:
        """Return the token of a code; None for one that is none."""
        person = self._codes.pop(code, None)
        if person is None:
            return None
        now_s = int(time.time())
        times = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now_s, "exp": now_s + 300}
        return jwt.encode(person | times, _KEY, "RS256", headers={"kid": "k1"})


class _Endpoint(BaseHTTPRequestHandler):
    server: OidcProvider

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/authorize":
            given = {name: values[0] for name, values in parse_qs(asked.query).items()}
            answer = urlencode({"code": self.server.code(), "state": given["state"]})
            self.send_response(302)
            self.send_header("Location", f"{given['redirect_uri']}?{answer}")
            self.end_headers()
        elif asked.path == "/.well-known/openid-configuration":
            of = self.server.issuer
            self._send(
                {
                    "issuer": of,
                    "authorization_endpoint": f"{of}/authorize",
                    "token_endpoint": f"{of}/token",
                    "jwks_uri": f"{of}/keys",
                }
            )
        elif asked.path == "/keys":
            key = jwt.algorithms.RSAAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
            self._send({"keys": [key | {"kid": "k1", "alg": "RS256", "use": "sig"}]})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = {name: values[0] for name, values in parse_qs(body).items()}
        is_known = (given["client_id"], given["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        token = self.server.id_token(given["code"]) if is_known else None
        if token is None:
            self.send_error(400)
            return
        self._send({"id_token": token, "access_token": "of-the-provider", "token_type": "Bearer"})

    def _send(self, body: object) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """Run one until the end of the block."""
    server = OidcProvider()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
