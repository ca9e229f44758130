"""What turns a token, or a one-use ticket, into a principal."""

from collections.abc import Callable
from typing import NamedTuple

from bursa.aws.clients import dynamodb_client
from bursa.identity.key_sets_jwt import KeySets
from bursa.identity.sign_in import SignIn, TicketSignIn
from bursa.identity.tickets import Tickets
from bursa.identity.tickets_dynamodb import TicketsTable
from bursa.identity.tokens_jwt import CognitoTokens
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.settings import AuthorizerSettings
from bursa.tenants.dynamodb import DirectoryTable


class SignIns(NamedTuple):
    """The ways to sign in."""

    by_token: SignIn
    by_ticket: TicketSignIn


def open_sign_in(
    settings: AuthorizerSettings, on_key_set_failure: Callable[[str], None]
) -> SignIns:
    """Build the sign-in of all tenants."""
    client, clock = dynamodb_client(), SystemClock()
    directory = DirectoryTable(client, settings.directory_table)
    key_sets = KeySets(clock, settings.aws_endpoint_url, on_failure=on_key_set_failure)
    tickets = Tickets(TicketsTable(client, settings.tickets_table), clock, random_key)
    return SignIns(
        SignIn(directory, CognitoTokens(key_sets, clock), clock), TicketSignIn(directory, tickets)
    )
