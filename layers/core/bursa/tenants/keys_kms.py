"""The keys of tenants, as whoever deletes tenants sees them."""

from typing import TYPE_CHECKING

from bursa.kernel.identifiers import TenantId
from bursa.tenants.stacks import key_aliases

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

WINDOW_DAYS = 30
_GOING = frozenset({"PendingDeletion", "PendingReplicaDeletion"})


class TenantKeys:
    """The keys of all tenants of a deployment, by their aliases."""

    def __init__(self, client: "KMSClient", deployment: str) -> None:
        self._client = client
        self._deployment = deployment

    def schedule_deletion(self, tenant: TenantId) -> None:
        """Have a tenant's keys deleted in thirty days, during which it can be taken back.

        Safe to repeat; whatever was sealed with them can't be opened from now on.
        """
        for alias in key_aliases(self._deployment, tenant):
            try:
                key = self._client.describe_key(KeyId=alias)["KeyMetadata"]
            except self._client.exceptions.NotFoundException:
                continue
            if key["KeyState"] not in _GOING:
                self._client.schedule_key_deletion(
                    KeyId=key["KeyId"], PendingWindowInDays=WINDOW_DAYS
                )
