"""Every signed-in route needs a scope, and the authorizer's policy grants exactly those routes."""

import re
from dataclasses import replace
from itertools import chain, combinations

import pytest

from bursa.back_office.roles import Role
from bursa.dialects.native.admin_kyc_operations import ADMIN_KYC_OPERATIONS
from bursa.dialects.native.admin_operations import ADMIN_OPERATIONS
from bursa.dialects.native.operation import Operation
from bursa.dialects.native.operations import OPERATIONS
from bursa.identity.gateway import ROUTES, allow
from bursa.identity.principal import Principal, Scope, SignInMethod
from bursa.kernel.identifiers import AccountId
from tests.contract.templates import APPLICATION, resources

API = "arn:aws:execute-api:us-east-1:123456789012:abc123/v1"
CONNECT = "arn:aws:execute-api:us-east-1:123456789012:def456/v1/$connect"
SIGNED_IN = [operation for operation in OPERATIONS if not operation.public]
EVERY_SET = list(chain.from_iterable(combinations(Scope, size) for size in range(len(Scope) + 1)))


def principal(*scopes: Scope) -> Principal:
    account = AccountId.parse("t1-1")
    held, method = frozenset(scopes), SignInMethod.USER_POOL
    return Principal(account, "alice", held, method, 4_102_444_800, 1_795_291_100)


def is_granted(method_arn: str, asked_for: str, *scopes: Scope) -> bool:
    """Evaluate a verdict as API Gateway does; `asked_for` is the request that it was made for."""
    [statement] = allow(asked_for, principal(*scopes))["policyDocument"]["Statement"]
    return statement["Effect"] == "Allow" and any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), method_arn)
        for pattern in statement["Resource"]
    )


def method_arn(operation: Operation) -> str:
    path = re.sub(r"{\w+}", "12", operation.path)
    return f"{API}/{operation.method.upper()}{path}"


@pytest.mark.parametrize("scopes", EVERY_SET, ids=lambda scopes: "+".join(scopes) or "none")
@pytest.mark.parametrize("asked_for", SIGNED_IN, ids=lambda operation: operation.name)
def test_a_verdict_grants_the_routes_of_its_scopes_whatever_it_was_made_for(
    asked_for: Operation, scopes: tuple[Scope, ...]
) -> None:
    granted = {
        operation.name
        for operation in SIGNED_IN
        if is_granted(method_arn(operation), method_arn(asked_for), *scopes)
    }
    assert granted == {operation.name for operation in SIGNED_IN if operation.scope in scopes}


# What a WebSocket is opened with, which only reads.
READS_BY_POST = {"createTicket"}
# What no API key may see.
PROTECTED = {
    "getKyc",
    "getPreferences",
    "listIdentities",
    "listApiKeys",
    "listNotices",
    "listSecurityEvents",
    "listSessions",
    "exportData",
    "listSubAccounts",
    "listTransfers",
}


def test_what_changes_something_needs_more_than_to_read() -> None:
    for operation in SIGNED_IN:
        reads = operation.method == "get" or operation.name in READS_BY_POST
        if operation.name in PROTECTED:
            assert operation.scope is Scope.ACCOUNT
        else:
            assert reads == (operation.scope is Scope.READ), operation.name


def test_every_pattern_is_for_a_route() -> None:
    patterns = [f"{API}/{pattern}" for routes in ROUTES.values() for pattern in routes]
    known = {re.sub(r"/12\b", "/*", method_arn(operation)) for operation in SIGNED_IN}
    assert set(patterns) <= known
    assert len(set(patterns)) == len(patterns)


ADMIN = [method_arn(one) for one in (*ADMIN_OPERATIONS, *ADMIN_KYC_OPERATIONS)]


@pytest.mark.parametrize("scopes", EVERY_SET, ids=lambda scopes: "+".join(scopes) or "none")
def test_the_back_office_is_for_who_has_a_role_and_signed_in_as_a_whole_user(
    scopes: tuple[Scope, ...],
) -> None:
    for role in (None, *Role):
        caller = replace(principal(*scopes), role=role)
        [statement] = allow(ADMIN[0], caller)["policyDocument"]["Statement"]
        granted = [
            arn
            for arn in ADMIN
            if statement["Effect"] == "Allow"
            and any(
                re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), arn)
                for pattern in statement["Resource"]
            )
        ]
        is_let_in = role is not None and Scope.ACCOUNT in scopes
        assert granted == (ADMIN if is_let_in else []), role


def test_a_websocket_needs_to_read() -> None:
    assert is_granted(CONNECT, CONNECT, Scope.READ)
    assert not is_granted(CONNECT, CONNECT, Scope.TRADE)


def test_a_verdict_is_kept_by_the_whole_header_and_for_ten_seconds() -> None:
    (api,) = resources(APPLICATION, "AWS::Serverless::Api").values()
    auth = api["Properties"]["Auth"]
    assert auth["DefaultAuthorizer"] in auth["Authorizers"]
    (authorizer,) = auth["Authorizers"].values()
    assert authorizer["FunctionPayloadType"] == "REQUEST"
    # A missing header is then the gateway's own 401, and costs no call.
    assert authorizer["Identity"] == {"Headers": ["Authorization"], "ReauthorizeEvery": 10}
