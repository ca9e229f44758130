"""What turns a token, or a one-use ticket, into a principal."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from bursa.aws.clients import cognito_client, dynamodb_client, guard_dynamodb_client
from bursa.identity.account_opening import AccountOpening
from bursa.identity.addresses_cognito import CognitoAddresses
from bursa.identity.api_keys import ApiKey
from bursa.identity.kept_addresses import OTHER_MS_MAX, KeptAddresses
from bursa.identity.key_sets_jwt import KeySets
from bursa.identity.key_sign_in import KeySignIn
from bursa.identity.security_events import PauseLengths
from bursa.identity.session_books_dynamodb import SessionBookRows
from bursa.identity.session_check import SessionCheck
from bursa.identity.session_notes import SessionNotes
from bursa.identity.sign_in import SignIn, TicketSignIn
from bursa.identity.signed_requests_dynamodb import KeyStates
from bursa.identity.tickets import Tickets
from bursa.identity.tickets_dynamodb import TicketsTable
from bursa.identity.tokens_jwt import CognitoTokens
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.settings import AuthorizerSettings
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.origins import TenantOrigins


class SignIns(NamedTuple):
    """The ways to sign in, and whose pages may."""

    by_token: SignIn
    by_ticket: TicketSignIn
    by_key: Callable[[str], ApiKey]
    origins: TenantOrigins
    notes: SessionNotes


def open_sign_in(
    settings: AuthorizerSettings,
    on_key_set_failure: Callable[[str], None],
    on_note_failure: Callable[[str], None] = lambda _why: None,
) -> SignIns:
    """Build the sign-in of all tenants."""
    client, clock = dynamodb_client(), SystemClock()
    directory = DirectoryTable(client, settings.directory_table)
    key_sets = KeySets(clock, settings.aws_endpoint_url, on_failure=on_key_set_failure)
    tickets = Tickets(TicketsTable(client, settings.tickets_table), clock, random_key)
    goes_on = SessionCheck(directory, KeyStates(client, settings.identity_table))
    # A user who has verified its address has an account at once, or none for another reason.
    addresses = KeptAddresses(CognitoAddresses(cognito_client), clock, verified_ms_max=OTHER_MS_MAX)
    opening = AccountOpening(directory, addresses)
    lengths = PauseLengths(directory, settings.withdrawal_pause_ms)
    books = SessionBookRows(guard_dynamodb_client, settings.identity_table, lengths)
    open_keys = cache(partial(_open_keys, directory, settings.identity_table, clock))
    return SignIns(
        SignIn(directory, CognitoTokens(key_sets, clock), clock, opening),
        TicketSignIn(goes_on, tickets, clock),
        lambda key_id: open_keys()(key_id),  # noqa: PLW0108 - opened when it is called
        TenantOrigins(directory, clock),
        SessionNotes(books, clock, on_note_failure),
    )


def _open_keys(directory: DirectoryTable, identity_table: str, clock: SystemClock) -> KeySignIn:
    """Build the look-up of keys at the first one: most starts see none, and it costs them 40 ms."""
    from bursa.identity.api_keys_dynamodb import ApiKeysTable  # noqa: PLC0415
    from bursa.identity.records_dynamodb import IdentityModels  # noqa: PLC0415

    return KeySignIn(directory, ApiKeysTable(IdentityModels(identity_table)), clock)
