"""Tokens that are good for somebody or something else: another tenant, another use, another scope.

Each is signed by a pool that the deployment knows, so its signature alone is no reason.
"""

import time
from types import ModuleType
from typing import Any

import pytest

from bursa.dialects.native.operations import OPERATIONS
from bursa.identity.principal import Scope
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import CLIENT_ID, ISSUER, TENANT, Exchange, read_event
from tests.doubles.user_pool import KEY, OTHER_ISSUER, OTHER_KEY, token
from tests.unit.conftest import Context

NOW = int(time.time())
THEIRS = TenantId(2)
THEIR_CLIENT = "other-client"
# What else a token may be for, as Cognito says it.
ID, REFRESH, MISSPELT = ({"token_use": use} for use in ("id", "refresh", "Access"))
# A good token of the other tenant; its user has the same name as ours.
OF_THEIRS: dict[str, Any] = {"iss": OTHER_ISSUER, "client_id": THEIR_CLIENT}


@pytest.fixture(autouse=True)
def theirs(exchange: Exchange, authorizer: ModuleType) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    profile = TenantProfile(THEIRS, 0, "other", OTHER_ISSUER, frozenset({THEIR_CLIENT}))
    directory.add_tenant(profile)
    directory.open_account(THEIRS, "alice")


def refusal(authorizer: ModuleType, sent: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        authorizer.sign_in.by_token(sent)
    return refused.value.code


FOREIGN: dict[str, tuple[str, str]] = {
    # Another tenant's.
    "our pool's signature, their issuer": (token(KEY, **OF_THEIRS), "invalid_token"),
    "their pool's signature, our issuer": (token(OTHER_KEY), "invalid_token"),
    "their pool's signature, our issuer and their client": (
        token(OTHER_KEY, client_id=THEIR_CLIENT),
        "invalid_token",
    ),
    "our pool's, for their client": (token(client_id=THEIR_CLIENT), "wrong_audience"),
    "their pool's, for our client": (
        token(OTHER_KEY, iss=OTHER_ISSUER, client_id=CLIENT_ID),
        "wrong_audience",
    ),
    "both clients": (token(client_id=f"{CLIENT_ID} {THEIR_CLIENT}"), "invalid_token"),
    "our client as an audience beside theirs": (
        token(client_id=THEIR_CLIENT, aud=CLIENT_ID),
        "wrong_audience",
    ),
    # Another use.
    "an id token": (token(client_id=None, aud=CLIENT_ID, **ID), "id_token_refused"),
    "an id token with an access token's claims": (token(**ID), "id_token_refused"),
    "an id token of theirs": (
        token(OTHER_KEY, **OF_THEIRS, **ID),
        "id_token_refused",
    ),
    "a refresh token": (token(**REFRESH), "wrong_token_use"),
    "a use in other letters": (token(**MISSPELT), "wrong_token_use"),
    # Another time.
    "not before tomorrow": (token(nbf=NOW + 80_000), "invalid_token"),
    "not before, of a good issue time": (token(nbf=NOW + 80_000, iat=NOW - 60), "invalid_token"),
    "issued tomorrow": (token(iat=NOW + 80_000), "invalid_token"),
    "signed in tomorrow": (token(auth_time=NOW + 80_000), "invalid_token"),
    "over": (token(exp=NOW - 60), "token_expired"),
}


@pytest.mark.parametrize(("sent", "code"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_good_for_another_is_good_for_nothing(
    authorizer: ModuleType, sent: str, code: str
) -> None:
    assert refusal(authorizer, sent) == code


def test_a_good_token_of_theirs_is_theirs_and_ours_is_ours(authorizer: ModuleType) -> None:
    """The users have one name; the issuer decides, and no header does."""
    ours = authorizer.sign_in.by_token(token())
    theirs = authorizer.sign_in.by_token(token(OTHER_KEY, **OF_THEIRS))
    assert (ours.tenant, theirs.tenant) == (TENANT, THEIRS)
    assert (str(ours.account), str(theirs.account)) == ("t1-1", "t2-1")
    event = read_event("authorizer-request")
    sent = token(OTHER_KEY, **OF_THEIRS)
    event["headers"] = {"authorization": f"Bearer {sent}", "X-Tenant": str(TENANT)}
    verdict = authorizer.handler(event, Context())
    assert (verdict["context"]["tenant"], verdict["context"]["account"]) == ("t2", "t2-1")


def test_a_session_that_ended_with_them_goes_on_with_us(
    authorizer: ModuleType, exchange: Exchange
) -> None:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.end_session(THEIRS, "alice", "s1", NOW - 60, NOW)
    assert refusal(authorizer, token(OTHER_KEY, **OF_THEIRS, origin_jti="s1")) == "session_ended"
    assert authorizer.sign_in.by_token(token(origin_jti="s1")).tenant == TENANT


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_opens_its_own_routes_and_no_others(authorizer: ModuleType, scope: Scope) -> None:
    event = read_event("authorizer-request")
    event["headers"] = {"authorization": f"Bearer {token(scope=f'bursa/{scope}')}"}
    [statement] = authorizer.handler(event, Context())["policyDocument"]["Statement"]
    named = {resource.split("/v1/")[1] for resource in statement["Resource"]}
    of_scope = {
        "/".join(
            [
                one.method.upper(),
                *("*" if "{" in part else part for part in one.path.split("/")[1:]),
            ]
        )
        for one in OPERATIONS
        if not one.public and one.scope is scope
    }
    if of_scope:
        assert statement["Effect"] == "Allow"
        # Of a path with a second part after an id, the pattern of the first part is enough.
        assert named <= of_scope
    else:
        assert statement["Effect"] == "Deny"


@pytest.mark.parametrize(
    "scope",
    ["bursa/readtrade", "bursa/read/trade", "evil/read", "bursa/", "bursa/admin", "read", "*"],
)
def test_a_scope_that_is_none_of_ours_opens_nothing(authorizer: ModuleType, scope: str) -> None:
    event = read_event("authorizer-request")
    event["headers"] = {"authorization": f"Bearer {token(scope=scope, iss=ISSUER)}"}
    [statement] = authorizer.handler(event, Context())["policyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
