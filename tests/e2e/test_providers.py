"""Signing in with another provider: as oneself, or as nobody. And a password that is changed.

The provider is a small server of our own. The emulator makes no provider from a template, and
forgets PKCE on its way through one, so both are tested by the template's words alone; it asks our
function before it makes a profile, as Cognito does.
"""

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests

from scripts.client import Client, DemoUser, Deployment, Json
from tests.doubles.newcomers import sign_up
from tests.doubles.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, running_provider

# After a refusal the emulator starts our function anew.
TIMEOUT_S = 120
BACK = "http://demo.localhost:5173/signed-in"
SCOPES = "openid email aws.cognito.signin.user.admin"

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


class Page:
    """The brand's web page, as far as it signs users in with the provider."""

    def __init__(self, exchange: Deployment, name: str) -> None:
        self.exchange = exchange
        self.name = name

    def come(self) -> requests.Response:
        """Follow the way over the provider and back, to what the pool says at its end."""
        asked = {
            "response_type": "code",
            "client_id": self.exchange.user_pool_client_id,
            "redirect_uri": BACK,
            "identity_provider": self.name,
            "scope": SCOPES,
            "state": "of-the-page",
        }
        url = f"{self.exchange.endpoint_url}/oauth2/authorize"
        response = requests.get(url, params=asked, timeout=TIMEOUT_S, allow_redirects=False)
        while response.is_redirect and not response.headers["Location"].startswith(BACK):
            response = requests.get(
                response.headers["Location"], timeout=TIMEOUT_S, allow_redirects=False
            )
        return response

    def refused(self) -> str:
        """Come, and return the code of the refusal."""
        response = self.come()
        assert not response.is_redirect, response.headers
        said = re.search(r"\b([a-z_]+): [A-Z]", response.text)
        assert said, response.text
        return said[1]

    def call(self, path: str) -> Json:
        """Come, and call a route with the token."""
        response = self.come()
        assert response.is_redirect, response.text
        (code,) = parse_qs(urlsplit(response.headers["Location"]).query)["code"]
        asked = {
            "grant_type": "authorization_code",
            "client_id": self.exchange.user_pool_client_id,
            "redirect_uri": BACK,
            "code": code,
        }
        url = f"{self.exchange.endpoint_url}/oauth2/token"
        tokens = requests.post(url, data=asked, timeout=TIMEOUT_S).json()
        answer = requests.get(
            f"{self.exchange.rest_url}{path}",
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
            timeout=TIMEOUT_S,
        )
        assert answer.ok, answer.text
        found: Json = answer.json()
        return found


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def page(exchange: Deployment, provider: OidcProvider) -> Iterator[Page]:
    pool: Any = boto3.client(
        "cognito-idp",
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        aws_access_key_id=exchange.access_key_id,
        aws_secret_access_key=exchange.secret_access_key,
    )
    pool_id = exchange.stack_outputs["UserPoolId"]
    name = f"Corp{secrets.token_hex(4)}"
    pool.create_identity_provider(
        UserPoolId=pool_id,
        ProviderName=name,
        ProviderType="OIDC",
        ProviderDetails={
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "oidc_issuer": provider.issuer,
            "authorize_url": f"{provider.issuer}/authorize",
            "token_url": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
            "attributes_url": f"{provider.issuer}/userinfo",
            "authorize_scopes": "openid email",
            "attributes_request_method": "GET",
        },
        AttributeMapping={"email": "email", "email_verified": "email_verified"},
    )
    which = {"UserPoolId": pool_id, "ClientId": exchange.user_pool_client_id}
    before = pool.describe_user_pool_client(**which)["UserPoolClient"]
    told = {"UserPoolId", "ClientId", "CreationDate", "LastModifiedDate", "ClientSecret"}
    # What is not set is told as empty, and not taken back so.
    kept = {key: value for key, value in before.items() if key not in told and value != ""}
    changed = {
        "CallbackURLs": [BACK],
        "SupportedIdentityProviders": ["COGNITO", name],
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthScopes": SCOPES.split(),
    }
    pool.update_user_pool_client(**which, **(kept | changed))
    yield Page(exchange, name)
    pool.update_user_pool_client(**which, **kept)
    pool.delete_identity_provider(UserPoolId=pool_id, ProviderName=name)


def test_who_comes_with_a_provider_is_the_user_of_its_verified_address(
    exchange: Deployment, provider: OidcProvider, page: Page
) -> None:
    user = sign_up(exchange)
    native = Client(exchange, user)
    account = native.call("GET", "/me")["account"]

    provider.person = {"sub": "4711", "email": user.email, "email_verified": "false"}
    assert page.refused() == "email_not_verified"
    provider.person["email_verified"] = "true"
    assert page.refused() == "linked"
    assert page.call("/me")["account"] == account
    (linked,) = native.call("GET", "/me/identities")["items"]
    assert (linked["provider"], linked["linked_at_ms"] > 0) == (page.name, True)
    events = native.call("GET", "/security-events")
    assert {"identity_linked"} <= {one["kind"] for one in events["items"]}
    assert events["withdrawals_paused_until_ms"] > 0

    # Another person to whom the provider gives the address later.
    provider.person = {"sub": "4712", "email": user.email, "email_verified": "true"}
    assert page.refused() == "already_linked"
    native.call("DELETE", f"/me/identities/{page.name}")
    provider.person["sub"] = "4711"
    assert page.refused() == "identity_unlinked"
    native.call("PUT", f"/me/identities/{page.name}", json={})
    assert page.refused() == "linked"
    assert page.call("/me")["account"] == account


def test_a_stranger_gets_an_account_and_who_waits_for_it_with_a_password_does_not(
    exchange: Deployment, provider: OidcProvider, page: Page
) -> None:
    attacker = DemoUser(f"{secrets.token_hex(8)}@example.com", f"Aa1{secrets.token_hex(8)}", "")
    pool: Any = boto3.client(
        "cognito-idp", region_name=exchange.region, endpoint_url=exchange.endpoint_url
    )
    pool.sign_up(
        ClientId=exchange.user_pool_client_id,
        Username=attacker.email,
        Password=attacker.password,
        UserAttributes=[{"Name": "email", "Value": attacker.email}],
    )
    provider.person = {"sub": "1", "email": attacker.email, "email_verified": "true"}
    assert page.refused() == "linked"
    assert page.call("/me")["email"] == attacker.email
    with pytest.raises(pool.exceptions.NotAuthorizedException):
        Client(exchange, attacker)


def test_a_new_password_ends_every_session(exchange: Deployment) -> None:
    user = sign_up(exchange)
    here, elsewhere = Client(exchange, user), Client(exchange, user)
    new = f"Bb2{secrets.token_hex(8)}"
    wrong = here.send("POST", "/me/password", json={"password": "x", "new_password": new})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    changed = here.call(
        "POST", "/me/password", json={"password": user.password, "new_password": new}
    )
    assert changed["refresh_tokens_revoked"]
    # A verdict of before is kept by the gateway for ten seconds; the ticket is looked at anew.
    over = elsewhere.send("GET", "/me", headers={"Authorization": f"bearer {elsewhere.token}"})
    assert over.status_code == 401
    time.sleep(1)  # a session counts from the next second on
    again = Client(exchange, DemoUser(user.email, new, ""))
    kinds = {one["kind"] for one in again.call("GET", "/security-events")["items"]}
    assert "password_changed" in kinds
