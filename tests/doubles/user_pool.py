"""The user pools of the demo and of another tenant: sign tokens, and serve their key sets.

Their keys have the same id, so that only the issuer tells them apart.
"""

import json
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.doubles.exchange import CLIENT_ID, ISSUER

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_ISSUER = ISSUER.replace("_demo", "_other")
_KEYS = {"us-east-1_demo": KEY, "us-east-1_other": OTHER_KEY}


class Pool(HTTPServer):
    """Serves the key set of the demo pool and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _KeySet)
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _KeySet(BaseHTTPRequestHandler):
    server: Pool

    def do_GET(self) -> None:
        self.server.asked += 1
        pool, _, rest = self.path.strip("/").partition("/")
        found = pool in _KEYS and rest == ".well-known/jwks.json"
        public = _KEYS.get(pool, KEY).public_key()
        key = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
        body = json.dumps({"keys": [key | {"kid": "k1", "alg": "RS256", "use": "sig"}]})
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def token(
    key: rsa.RSAPrivateKey | str = KEY,
    key_id: str = "k1",
    algorithm: str = "RS256",
    **changes: object,
) -> str:
    claims: dict[str, object] = {
        "sub": "alice",
        "iss": ISSUER,
        "client_id": CLIENT_ID,
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": int(time.time()) - 60,
        "iat": int(time.time()) - 60,
        "exp": int(time.time()) + 3_600,
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": key_id})
