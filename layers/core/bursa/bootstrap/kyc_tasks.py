"""What the function of the workflow's tasks needs before its first task."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bursa.aws.clients import background_dynamodb_client
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import KycTasksSettings, read_settings
from bursa.tenants.dynamodb import DirectoryTable

if TYPE_CHECKING:
    from bursa.bootstrap.kyc_parts import Tasks


class KycTasksServices:
    """Opens the tasks, and knows the tenants."""

    def __init__(self, settings: KycTasksSettings) -> None:
        self._settings = settings
        self._client = background_dynamodb_client()
        self._directory = DirectoryTable(self._client, settings.directory_table)

    @staticmethod
    def now_ms() -> int:
        """Return the time now, UTC."""
        return SystemClock().now_ms()

    def tenants(self) -> Iterator[TenantId]:
        """Yield every number that a tenant was given so far."""
        for number in range(1, self._directory.tenants_numbered() + 1):
            yield TenantId(number)

    def open_tasks(self) -> "Tasks":
        """Build the tasks; takes as long as a start."""
        from bursa.bootstrap.kyc_parts import open_tasks  # noqa: PLC0415 - see there

        return open_tasks(self._settings, self._client, SystemClock(), self.tenants)


def kyc_tasks_services() -> KycTasksServices:
    """Build it from the environment."""
    return KycTasksServices(read_settings(KycTasksSettings))
