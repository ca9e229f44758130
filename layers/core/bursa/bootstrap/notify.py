"""What the function that tells users calls."""

from typing import NamedTuple

from bursa.aws.clients import (
    background_dynamodb_client,
    cognito_client,
    events_client,
    mail_client,
    sqs_client,
)
from bursa.identity.preferences_dynamodb import PreferencesTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.kernel.clock import SystemClock
from bursa.kernel.settings import NotifySettings, read_settings
from bursa.notifications.addresses_cognito import PoolAddresses
from bursa.notifications.mails_ses import SesMails
from bursa.notifications.notices_dynamodb import NoticesTable
from bursa.notifications.notifier import Notifier, Voices
from bursa.notifications.queue_sqs import NoticeQueue
from bursa.notifications.security_eventbridge import SecurityBus
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable


class NotifyServices(NamedTuple):
    """What the function calls."""

    notifier: Notifier
    queue: NoticeQueue
    bus: SecurityBus


def notify_services() -> NotifyServices:
    """Build it from the environment."""
    settings = read_settings(NotifySettings)
    client = background_dynamodb_client()
    clock = SystemClock()
    directory = DirectoryTable(client, settings.directory_table)
    voices = Voices(
        directory,
        BrandingTable(client, settings.directory_table),
        PreferencesTable(IdentityModels(settings.identity_table)),
    )
    notifier = Notifier(
        NoticesTable(client, settings.notices_table, clock),
        directory,
        PoolAddresses(directory.profile, cognito_client),
        voices,
        SesMails(
            mail_client,
            settings.sender_address,
            settings.sender_arn,
            settings.mail_configuration_set,
        ),
        clock,
    )
    queue = NoticeQueue(sqs_client(), settings.notices_queue_url)
    return NotifyServices(notifier, queue, SecurityBus(events_client(), settings.event_bus))
