"""What the routes of the account, API keys, second factor and security events call.

Loaded by the first request that needs it: pynamodb costs a start 40 ms, and most starts serve
tickets.
"""

from bursa.accounts.dynamodb import BalancesTable
from bursa.accounts.sub_accounts import OpenAccounts
from bursa.accounts.sub_accounts_dynamodb import SubAccountsTable
from bursa.aws.clients import cognito_client, dynamodb_client, kms_client
from bursa.dialects.native.account_routes import AccountRoutes
from bursa.dialects.native.notice_routes import NoticeRoutes
from bursa.dialects.native.security_routes import SecurityRoutes
from bursa.dialects.native.session_routes import SessionRoutes
from bursa.dialects.native.sign_in_routes import SignInRoutes
from bursa.identity.account_closing import AccountClosing, ClosingTools
from bursa.identity.addresses_cognito import CognitoAddresses
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.codes_cryptography import code_of
from bursa.identity.kept_addresses import KeptAddresses
from bursa.identity.key_custody import KeyCustody
from bursa.identity.linked_identities import LinkedIdentities
from bursa.identity.linked_identities_cognito import LinkedPools
from bursa.identity.linked_identities_dynamodb import LinkedIdentitiesTable
from bursa.identity.passwords import Passwords
from bursa.identity.passwords_cognito import CognitoPasswords
from bursa.identity.preferences import UserPreferences
from bursa.identity.preferences_dynamodb import PreferencesTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.seals_kms import Seals
from bursa.identity.second_factor import SecondFactor
from bursa.identity.second_factor_cognito import CognitoAuthenticators
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.identity.security_events import PauseLengths, SecurityEvents
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.identity.session_books_dynamodb import SessionBookErasure, SessionBookRows
from bursa.identity.sessions import SessionEnd
from bursa.identity.standing import Standings
from bursa.identity.user_sessions import UserSessions
from bursa.kernel.clock import Clock, random_key
from bursa.kernel.settings import IdentityApiSettings
from bursa.notifications.notices_dynamodb import NoticesTable
from bursa.notifications.notifier import OwnNotices, Voices
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.issuers_dynamodb import TenantIssuers
from bursa.tenants.shards import TenantShards


def open_security_routes(
    settings: IdentityApiSettings,
    directory: DirectoryTable,
    end_sessions: SessionEnd,
    clock: Clock,
) -> SecurityRoutes:
    """Build them."""
    models = IdentityModels(settings.identity_table)
    seals = Seals(kms_client, settings.credentials_key, clock)
    events = _events(settings, models, directory)
    factor = _factor(models, seals, events, clock)
    sub_accounts = SubAccountsTable(dynamodb_client(), settings.directory_table)
    keys = KeyCustody(
        ApiKeysTable(models),
        factor,
        seals,
        events,
        OpenAccounts(sub_accounts),
        end_sessions.close_connections,
        clock,
        random_key,
    )
    balances = BalancesTable(dynamodb_client(), settings.balances_table)
    books = SessionBookErasure(dynamodb_client, settings.identity_table)
    tools = ClosingTools(
        balances, sub_accounts, directory, factor, keys, end_sessions, events, books
    )
    closing = AccountClosing(tools, clock)
    return SecurityRoutes(keys, factor, events, directory.brand_name, clock, closing)


def open_account_routes(
    settings: IdentityApiSettings,
    directory: DirectoryTable,
    shards: TenantShards,
    clock: Clock,
) -> AccountRoutes:
    """Build them."""
    models = IdentityModels(settings.identity_table)
    events = _events(settings, models, directory)
    factor = _factor(models, Seals(kms_client, settings.credentials_key, clock), events, clock)
    addresses = KeptAddresses(CognitoAddresses(cognito_client), clock)
    return AccountRoutes(
        Standings(directory, shards.limits, addresses, factor, events, clock),
        UserPreferences(PreferencesTable(models)),
        shards.levels,
    )


def open_session_routes(
    settings: IdentityApiSettings,
    directory: DirectoryTable,
    end_sessions: SessionEnd,
    clock: Clock,
) -> SessionRoutes:
    """Build them."""
    lengths = PauseLengths(directory, settings.withdrawal_pause_ms)
    books = SessionBookRows(dynamodb_client, settings.identity_table, lengths)
    events = _events(settings, IdentityModels(settings.identity_table), directory)
    return SessionRoutes(UserSessions(books, directory, end_sessions, events, clock))


def open_notice_routes(
    settings: IdentityApiSettings, directory: DirectoryTable, clock: Clock
) -> NoticeRoutes:
    """Build them."""
    client = dynamodb_client()
    voices = Voices(
        directory,
        BrandingTable(client, settings.directory_table),
        PreferencesTable(IdentityModels(settings.identity_table)),
    )
    return NoticeRoutes(OwnNotices(NoticesTable(client, settings.notices_table, clock), voices))


def open_sign_in_routes(
    settings: IdentityApiSettings, directory: DirectoryTable, clock: Clock
) -> SignInRoutes:
    """Build them."""
    models = IdentityModels(settings.identity_table)
    events = _events(settings, models, directory)
    factor = _factor(models, Seals(kms_client, settings.credentials_key, clock), events, clock)
    identities = LinkedIdentities(
        LinkedIdentitiesTable(models),
        LinkedPools(cognito_client),
        TenantIssuers(dynamodb_client(), settings.directory_table),
        factor,
        clock,
    )
    return SignInRoutes(identities, Passwords(CognitoPasswords(cognito_client), events, clock))


def _events(
    settings: IdentityApiSettings, models: IdentityModels, directory: DirectoryTable
) -> SecurityEvents:
    lengths = PauseLengths(directory, settings.withdrawal_pause_ms)
    return SecurityEvents(SecurityEventsTable(models), lengths)


def _factor(
    models: IdentityModels, seals: Seals, events: SecurityEvents, clock: Clock
) -> SecondFactor:
    return SecondFactor(
        FactorsTable(models), CognitoAuthenticators(cognito_client), code_of, seals, events, clock
    )
