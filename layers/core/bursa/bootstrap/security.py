"""What the routes of API keys, second factor and security events call.

Loaded by the first request that needs it: pynamodb costs a start 40 ms, and most starts serve
tickets.
"""

from collections.abc import Callable

from bursa.aws.clients import cognito_client, kms_client
from bursa.dialects.native.security_routes import SecurityRoutes
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.codes_cryptography import code_of
from bursa.identity.key_custody import KeyCustody
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.seals_kms import Seals
from bursa.identity.second_factor import SecondFactor
from bursa.identity.second_factor_cognito import CognitoAuthenticators
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.identity.security_events import SecurityEvents
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.kernel.clock import Clock, random_key
from bursa.kernel.identifiers import AccountId
from bursa.kernel.settings import IdentityApiSettings
from bursa.tenants.dynamodb import DirectoryTable


def open_security_routes(
    settings: IdentityApiSettings,
    directory: DirectoryTable,
    close_connections: Callable[[AccountId, str], int],
    clock: Clock,
) -> SecurityRoutes:
    """Build them."""
    models = IdentityModels(settings.identity_table)
    seals = Seals(kms_client, settings.credentials_key, clock)
    events = SecurityEvents(SecurityEventsTable(models), settings.withdrawal_pause_ms)
    factor = SecondFactor(
        FactorsTable(models), CognitoAuthenticators(cognito_client), code_of, seals, events, clock
    )
    keys = KeyCustody(
        ApiKeysTable(models), factor, seals, events, close_connections, clock, random_key
    )
    return SecurityRoutes(keys, factor, events, directory.brand_name, clock)
