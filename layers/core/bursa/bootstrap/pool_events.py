"""What the function that user pools call needs."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from aws_lambda_powertools import Logger, Metrics

from bursa.aws.clients import cognito_client, dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.bootstrap.sockets import open_sockets
from bursa.dialects.native.feed_messages import signed_out
from bursa.identity.first_sign_in import FirstSignIns
from bursa.identity.linked_identities_cognito import LinkedPools
from bursa.identity.linked_identities_dynamodb import LinkedIdentitiesTable
from bursa.identity.pool_changes import PoolChanges
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.identity.security_events import PauseLengths, SecurityEvents
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.identity.sessions import SessionEnd
from bursa.kernel.clock import SystemClock, random_key
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import PoolEventsSettings, SocketSettings, read_settings
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.tenants.dynamodb import DirectoryTable


class PoolEventServices(NamedTuple):
    """What the function calls."""

    providers: Callable[[str], Sequence[str]]
    first_sign_ins: FirstSignIns
    changes: PoolChanges


def pool_event_services(logger: Logger, metrics: Metrics) -> PoolEventServices:
    """Build it from the environment."""
    settings, socket_settings = read_settings(PoolEventsSettings), read_settings(SocketSettings)
    client, clock = dynamodb_client(), SystemClock()
    directory = DirectoryTable(client, settings.directory_table)
    models = IdentityModels(settings.identity_table)
    lengths = PauseLengths(directory, settings.withdrawal_pause_ms)
    events = SecurityEvents(SecurityEventsTable(models), lengths)
    pools, factors = LinkedPools(cognito_client), FactorsTable(models)
    sessions = SessionEnd(
        directory,
        ConnectionsTable(client, socket_settings.connections_table, TableWriter(client)),
        open_sockets(socket_settings, logger, metrics),
        [signed_out()],
    )

    def has_factor(tenant: TenantId, subject: str) -> bool:
        known = factors.find(tenant, subject)
        return known is not None and known.since_ms > 0

    def tenants() -> Iterator[TenantId]:
        for number in range(1, directory.tenants_numbered() + 1):
            yield TenantId(number)

    return PoolEventServices(
        pools.names,
        FirstSignIns(
            directory,
            pools,
            LinkedIdentitiesTable(models),
            has_factor,
            events,
            clock,
            random_password,
        ),
        PoolChanges(directory, tenants, sessions, events, clock),
    )


def random_password() -> str:
    """Return a password that nobody can guess, of the characters that pools ask for."""
    return f"Aa1{random_key()}"
