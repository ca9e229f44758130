"""What the routes of the account, API keys, second factor and security events call.

Loaded by the first request that needs it: pynamodb costs a start 40 ms, and most starts serve
tickets.
"""

from collections.abc import Callable

from bursa.aws.clients import cognito_client, kms_client
from bursa.dialects.native.account_routes import AccountRoutes
from bursa.dialects.native.security_routes import SecurityRoutes
from bursa.identity.addresses_cognito import CognitoAddresses
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.codes_cryptography import code_of
from bursa.identity.kept_addresses import KeptAddresses
from bursa.identity.key_custody import KeyCustody
from bursa.identity.preferences import UserPreferences
from bursa.identity.preferences_dynamodb import PreferencesTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.seals_kms import Seals
from bursa.identity.second_factor import SecondFactor
from bursa.identity.second_factor_cognito import CognitoAuthenticators
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.identity.security_events import SecurityEvents
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.identity.standing import Standings
from bursa.kernel.clock import Clock, random_key
from bursa.kernel.identifiers import AccountId
from bursa.kernel.settings import IdentityApiSettings
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.shards import TenantShards


def open_security_routes(
    settings: IdentityApiSettings,
    directory: DirectoryTable,
    close_connections: Callable[[AccountId, str], int],
    clock: Clock,
) -> SecurityRoutes:
    """Build them."""
    models = IdentityModels(settings.identity_table)
    seals = Seals(kms_client, settings.credentials_key, clock)
    events = _events(settings, models)
    factor = _factor(models, seals, events, clock)
    keys = KeyCustody(
        ApiKeysTable(models), factor, seals, events, close_connections, clock, random_key
    )
    return SecurityRoutes(keys, factor, events, directory.brand_name, clock)


def open_account_routes(
    settings: IdentityApiSettings,
    directory: DirectoryTable,
    shards: TenantShards,
    clock: Clock,
) -> AccountRoutes:
    """Build them."""
    models = IdentityModels(settings.identity_table)
    events = _events(settings, models)
    factor = _factor(models, Seals(kms_client, settings.credentials_key, clock), events, clock)
    addresses = KeptAddresses(CognitoAddresses(cognito_client), clock)
    return AccountRoutes(
        Standings(directory, shards.limits, addresses, factor, events, clock),
        UserPreferences(PreferencesTable(models)),
        shards.levels,
    )


def _events(settings: IdentityApiSettings, models: IdentityModels) -> SecurityEvents:
    return SecurityEvents(SecurityEventsTable(models), settings.withdrawal_pause_ms)


def _factor(
    models: IdentityModels, seals: Seals, events: SecurityEvents, clock: Clock
) -> SecondFactor:
    return SecondFactor(
        FactorsTable(models), CognitoAuthenticators(cognito_client), code_of, seals, events, clock
    )
