"""A stranger signs up with the demo's brand and gets an account, by nothing but HTTP.

From there to the first trade it is the way of test_first_trade.py.
"""

import secrets

import pytest
from botocore.exceptions import ClientError

from scripts.client import Client, DemoUser, Deployment
from tests.doubles.newcomers import CODE, pool_client

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


def test_an_account_opens_at_the_first_sign_in_of_who_has_entered_the_code(
    exchange: Deployment,
) -> None:
    user = DemoUser(f"{secrets.token_hex(8)}@example.com", f"Aa1{secrets.token_hex(8)}", "")
    pool, client_id = pool_client(exchange), exchange.user_pool_client_id
    signed_up = pool.sign_up(
        ClientId=client_id,
        Username=user.email,
        Password=user.password,
        UserAttributes=[{"Name": "email", "Value": user.email}],
    )
    assert not signed_up["UserConfirmed"]
    with pytest.raises(ClientError) as refused:
        Client(exchange, user)
    assert refused.value.response["Error"]["Code"] == "UserNotConfirmedException"
    pool.confirm_sign_up(ClientId=client_id, Username=user.email, ConfirmationCode=CODE)

    newcomer = Client(exchange, user)
    # Any request would do: it is the first one that opens the account.
    me = newcomer.call("GET", "/me")
    assert (me["tenant"], me["email"], me["email_verified"]) == ("demo", user.email, True)
    assert me["account"] not in {known.account for known in exchange.users}
    assert newcomer.call("GET", "/balances")["items"] == []
    # The next session is of the same account.
    again = Client(exchange, newcomer.user)
    assert again.call("GET", "/me")["account"] == me["account"]
