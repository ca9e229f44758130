"""Whatever a token holds it is a 401, and never rings the alarm that nobody can sign in."""

import base64
import json
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import CLIENT_ID, ISSUER, read_event
from tests.doubles.user_pool import KEY, OTHER_KEY, Pool, token
from tests.unit.conftest import Context

NOW = int(time.time())
PUBLIC_KEY = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
JWK = jwt.algorithms.RSAAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)
GOOD = jwt.decode(token(), options={"verify_signature": False})
HEADER = {"alg": "RS256", "kid": "k1"}


def asked_with(header: str) -> dict[str, Any]:
    return read_event("authorizer-request") | {"headers": {"authorization": header}}


def segment(content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: bytes | str, claims: bytes | str, key: Any = KEY) -> str:
    """Sign anything with the pool's own key, so that only its content can be the reason."""
    body = f"{segment(header)}.{segment(claims)}"
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{body}.{segment(algorithm.sign(body.encode(), key))}"


def claims(**changes: object) -> str:
    content = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return json.dumps(content)


def headed(**changes: object) -> str:
    return signed(json.dumps(HEADER | changes), claims())


def claiming(**changes: object) -> str:
    return signed(json.dumps(HEADER), claims(**changes))


def twice(name: str, value: object) -> str:
    """Write a claim a second time, behind the good one."""
    return signed(json.dumps(HEADER), f'{claims()[:-1]}, "{name}": {json.dumps(value)}}}')


def hmac_with_the_public_key() -> str:
    """Sign as a library would that takes whatever algorithm the token names."""
    body = f"{segment(json.dumps(HEADER | {'alg': 'HS256'}))}.{segment(claims())}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return f"{body}.{segment(algorithm.sign(body.encode(), PUBLIC_KEY))}"


def unsigned(algorithm: str) -> str:
    return f"{segment(json.dumps(HEADER | {'alg': algorithm}))}.{segment(claims())}.AAAA"


HOSTILE: dict[str, Callable[[], str]] = {
    # The form.
    "garbage": lambda: "x.y.z",
    "one part": lambda: "x" * 400,
    "two parts": lambda: token().rpartition(".")[0],
    "four parts": lambda: f"{token()}.AAAA",
    "no signature": lambda: f"{token().rpartition('.')[0]}.",
    "huge": lambda: "x" * 100_000,
    "huge signature": lambda: f"{token()}{'A' * 9_000}",
    "not ASCII": lambda: token().replace("e", "é"),
    "NUL": lambda: f"{token()}\0",
    "line break": lambda: f"{token()[:40]}\r\n{token()[40:]}",
    "padded": lambda: f"{token()}==",
    "standard alphabet": lambda: f"++//.{token().partition('.')[2]}",
    "length that no base64 has": lambda: f"A.{token().partition('.')[2]}",
    # The signature.
    "another key": lambda: token(OTHER_KEY),
    "changed signature": lambda: f"{token()[:-4]}AAAA",
    "none": lambda: unsigned("none"),
    "None": lambda: unsigned("None"),
    "no algorithm": lambda: signed('{"kid": "k1"}', claims()),
    "algorithms": lambda: headed(alg=["RS256"]),
    "RS512": lambda: headed(alg="RS512"),
    "HS256 with the public key": hmac_with_the_public_key,
    "HS256 with nothing": lambda: token("x" * 32, algorithm="HS256"),
    "own key in the header": lambda: signed(json.dumps(HEADER | {"jwk": JWK}), claims(), OTHER_KEY),
    "own key set in the header": lambda: signed(
        json.dumps(HEADER | {"jku": "http://127.0.0.1:9/jwks.json"}), claims(), OTHER_KEY
    ),
    "critical header": lambda: headed(crit=["b64"], b64=True),
    "critical nothing": lambda: headed(crit=[]),
    "unencoded payload": lambda: headed(b64=False),
    "unknown key id": lambda: token(key_id="k2"),
    "no key id": lambda: signed('{"alg": "RS256"}', claims()),
    "key id of another type": lambda: headed(kid=1),
    "key ids": lambda: headed(kid=["k1"]),
    "huge key id": lambda: headed(kid="k" * 3_000),
    "key id as a path": lambda: headed(kid="../../k1\0"),
    "two key ids": lambda: signed('{"alg": "RS256", "kid": "k2", "kid": "k1"}', claims()),
    "two algorithms": lambda: signed('{"alg": "none", "kid": "k1", "alg": "RS256"}', claims()),
    "header is a list": lambda: signed("[]", claims()),
    "header is no JSON": lambda: signed("{", claims()),
    "deep header": lambda: signed(f'{{"alg": "RS256", "kid": "k1", "x": {"[" * 4_000}', claims()),
    # The claims.
    "claims are a list": lambda: signed(json.dumps(HEADER), "[]"),
    "claims are no JSON": lambda: signed(json.dumps(HEADER), "{"),
    "claims are empty": lambda: signed(json.dumps(HEADER), "{}"),
    "claims are null": lambda: signed(json.dumps(HEADER), "null"),
    "claims in UTF-16": lambda: signed(json.dumps(HEADER), claims().encode("utf-16")),
    "claims are no UTF-8": lambda: signed(json.dumps(HEADER), b'{"iss": "\xff"}'),
    "deep claims": lambda: signed(json.dumps(HEADER), f'{claims()[:-1]}, "x": {"[" * 5_000}'),
    "deep and closed": lambda: signed(json.dumps(HEADER), f'{claims()[:-1]}, "x": {"[" * 2_500}'),
    "number of many digits": lambda: signed(
        json.dumps(HEADER), f'{claims()[:-1]}, "x": {"9" * 5_000}}}'
    ),
    "issuer twice": lambda: twice("iss", ISSUER),
    "subject twice": lambda: twice("sub", "alice"),
    "expiry twice": lambda: twice("exp", NOW + 600),
    "stranger": lambda: claiming(iss="https://evil.example/us-east-1_demo"),
    "host that begins alike": lambda: claiming(
        iss="https://cognito-idp.us-east-1.amazonaws.com.evil.example/us-east-1_demo"
    ),
    "user and password before the host": lambda: claiming(
        iss="https://cognito-idp.us-east-1.amazonaws.com@evil.example/us-east-1_demo"
    ),
    "plain HTTP": lambda: claiming(iss=ISSUER.replace("https", "http")),
    "query behind the issuer": lambda: claiming(iss=f"{ISSUER}?x=1"),
    "slash behind the issuer": lambda: claiming(iss=f"{ISSUER}/"),
    "unknown pool": lambda: claiming(iss=f"{ISSUER}2"),
    "issuer longer than a key may be": lambda: claiming(iss=ISSUER + "x" * 2_100),
    "issuer with a separator": lambda: claiming(iss=f"{ISSUER}#tenant"),
    "no issuer": lambda: claiming(iss=None),
    "empty issuer": lambda: claiming(iss=""),
    "issuers": lambda: claiming(iss=[ISSUER]),
    "issuer is an object": lambda: claiming(iss={"a": ISSUER}),
    "no subject": lambda: claiming(sub=None),
    "subject is a number": lambda: claiming(sub=1),
    "subject with a separator": lambda: claiming(sub="alice#admin"),
    "huge subject": lambda: claiming(sub="a" * 1_100),
    "empty subject": lambda: claiming(sub=""),
    "clients": lambda: claiming(client_id=[CLIENT_ID]),
    "huge client": lambda: claiming(client_id="c" * 3_000),
    "uses": lambda: claiming(token_use=["access"]),
    "no use": lambda: claiming(token_use=None),
    "scopes are a list": lambda: claiming(scope=["bursa/read"]),
    "huge scope": lambda: claiming(scope="bursa/read " * 300),
    "session with a separator": lambda: claiming(origin_jti="a~b"),
    "session is a number": lambda: claiming(origin_jti=7),
    "sessions": lambda: claiming(origin_jti=["a"]),
    "empty session": lambda: claiming(origin_jti=""),
    "huge session": lambda: claiming(origin_jti="a" * 65),
    # Times.
    "endless": lambda: claiming(exp=None),
    "expired": lambda: claiming(exp=NOW - 3_600),
    "expired before time began": lambda: claiming(exp=-1),
    "good for a year": lambda: claiming(exp=NOW + 365 * 86_400),
    "good for ever": lambda: claiming(exp=10**18),
    "expiry beyond any word": lambda: claiming(exp=10**300),
    "expiry is NaN": lambda: signed(json.dumps(HEADER), claims(exp=float("nan"))),
    "expiry is infinite": lambda: signed(json.dumps(HEADER), claims(exp=float("inf"))),
    "expiry overflows": lambda: signed(
        json.dumps(HEADER), claims().replace(str(GOOD["exp"]), "1e400")
    ),
    "expiry is a fraction": lambda: claiming(exp=NOW + 600.5),
    "expiry is a text": lambda: claiming(exp=str(NOW + 600)),
    "expiry is true": lambda: claiming(exp=True),
    "expiry is a list": lambda: claiming(exp=[NOW + 600]),
    "not yet valid": lambda: claiming(nbf=NOW + 3_600),
    "valid in ten minutes": lambda: claiming(nbf=int(time.time()) + 600),
    "not-before is true": lambda: claiming(nbf=True),
    "not-before never": lambda: claiming(nbf=-1),
    "not-before is NaN": lambda: signed(json.dumps(HEADER), claims(nbf=float("nan"))),
    "not-before is a text": lambda: claiming(nbf="0"),
    "issued in the future": lambda: claiming(iat=NOW + 3_600),
    "issued never": lambda: claiming(iat=None),
    "issued at infinity": lambda: signed(json.dumps(HEADER), claims(iat=float("inf"))),
    "signed in in the future": lambda: claiming(auth_time=NOW + 3_600),
    "signed in as a text": lambda: claiming(auth_time="now"),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_token_is_refused_and_is_no_fault(
    authorizer: ModuleType, make: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    event = asked_with(f"Bearer {make()}")

    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        authorizer.handler(event, Context())

    printed = capsys.readouterr().out
    assert '"SignInRefused":[1.0]' in printed
    assert "SignInFaults" not in printed


def test_the_table_differs_from_a_good_token_in_one_thing_each(authorizer: ModuleType) -> None:
    for good in (token(), headed(), claiming(), headed(typ="JWT"), headed(jku="http://x.example")):
        assert authorizer.sign_in.by_token(good).user == "alice"


def test_nothing_is_looked_up_for_what_is_no_pools_issuer(
    authorizer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(DirectoryTable, "tenant_of", lambda _, issuer: asked.append(issuer))
    for name in ("stranger", "issuer longer than a key may be", "host that begins alike"):
        with pytest.raises(Exception, match="Unauthorized"):
            authorizer.handler(
                asked_with(f"Bearer {HOSTILE[name]()}"),
                Context(),
            )
    assert asked == []


def test_strangers_make_no_fetches(authorizer: ModuleType, pool: Pool) -> None:
    authorizer.sign_in.by_token(token())
    asked = pool.asked
    for number in range(20):
        with pytest.raises(Exception, match="Unauthorized"):
            authorizer.handler(
                asked_with(f"Bearer {token(key_id=f'invented-{number}')}"),
                Context(),
            )
    assert pool.asked == asked


def test_a_tenants_profile_is_read_once_and_its_user_every_time(
    authorizer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    row = DirectoryTable._row

    def counted(self: DirectoryTable, partition: str, sort: str, *attributes: str) -> object:
        read.append(sort)
        return row(self, partition, sort, *attributes)

    monkeypatch.setattr(DirectoryTable, "_row", counted)
    for _ in range(3):
        authorizer.sign_in.by_token(token())
    assert read == ["tenant", "profile", "user#alice", "user#alice", "user#alice"]
