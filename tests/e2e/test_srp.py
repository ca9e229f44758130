"""Sign-in as applications do it: the password is proven and never sent; tokens are renewed."""

import pytest
import requests

from scripts.client import Deployment
from tests.doubles.newcomers import pool_client, sign_up
from tests.doubles.srp import signed_in

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


def me(exchange: Deployment, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "X-Tenant": exchange.tenant}
    return requests.get(f"{exchange.rest_url}/me", headers=headers, timeout=30)


def test_a_password_is_proven_and_a_session_renewed(exchange: Deployment) -> None:
    user, cognito = sign_up(exchange), pool_client(exchange)
    client_id, pool_id = exchange.user_pool_client_id, exchange.stack_outputs["UserPoolId"]
    tokens = signed_in(cognito, pool_id, client_id, user.email, user.password)
    first = me(exchange, tokens["AccessToken"])
    assert (first.status_code, first.json()["email"]) == (200, user.email)
    renewed = cognito.initiate_auth(
        AuthFlow="REFRESH_TOKEN_AUTH",
        ClientId=client_id,
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
    )["AuthenticationResult"]
    assert renewed["AccessToken"] != tokens["AccessToken"]
    again = me(exchange, renewed["AccessToken"])
    assert again.json()["account"] == first.json()["account"]
    # The id token is for the application, and opens nothing.
    assert me(exchange, tokens["IdToken"]).status_code == 401


@pytest.mark.parametrize("wrong", ["password", "pool", "user"])
def test_what_is_not_proven_is_refused_alike(exchange: Deployment, wrong: str) -> None:
    user, cognito = sign_up(exchange), pool_client(exchange)
    pool_id = exchange.stack_outputs["UserPoolId"]
    given = {
        "password": (pool_id, user.email, user.password + "x"),
        "pool": ("us-east-1_another", user.email, user.password),
        "user": (pool_id, f"nobody-{user.email}", user.password),
    }[wrong]
    pool, email, password = given
    with pytest.raises(cognito.exceptions.NotAuthorizedException) as refused:
        signed_in(cognito, pool, exchange.user_pool_client_id, email, password)
    assert refused.value.response["Error"]["Message"] == "Incorrect username or password."
