"""Published heads of audit logs, in the archive bucket under Object Lock.

An object a head, named by its number, which nobody can change or delete (infra/archive.yaml). It is
written on condition that it is not there, so the first one stays.
"""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from bursa.aws.failures import unavailable
from bursa.back_office.audit_log import Tail
from bursa.kernel import object_keys
from bursa.kernel.identifiers import TenantId

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from mypy_boto3_s3 import S3Client

_EXISTS = "PreconditionFailed"


def _reading() -> "AbstractContextManager[None]":
    return unavailable("heads_unavailable", "Ask again in a moment.")


class AuditHeads:
    """The heads of a deployment's audit logs.

    Parameters
    ----------
    open_client
        Called at the first use: most starts publish nothing.

    """

    def __init__(self, open_client: "Callable[[], S3Client]", bucket: str) -> None:
        self._open_client = open_client
        self._bucket = bucket
        self._client: S3Client | None = None

    def publish(self, tenant: TenantId, head: Tail) -> None:
        """Publish a head; raises `Unavailable` ``head_unpublished``."""
        with unavailable("head_unpublished", "The next head stands for this one too."):
            try:
                self._s3().put_object(
                    Bucket=self._bucket,
                    Key=object_keys.audit_head(tenant, head.number),
                    Body=head.hash.encode(),
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != _EXISTS:
                    raise

    def all(self, tenant: TenantId) -> dict[int, str]:
        """Return all published heads, hashes by number; raises `Unavailable`."""
        return {number: self.read(tenant, number) for number in self.numbers(tenant)}

    def numbers(self, tenant: TenantId) -> list[int]:
        """Return the numbers of a tenant's heads, in order; raises `Unavailable`."""
        prefix = object_keys.audit_heads(tenant)
        with _reading():
            pages = (
                self._s3()
                .get_paginator("list_objects_v2")
                .paginate(Bucket=self._bucket, Prefix=prefix)
            )
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        found = (object_keys.archived_number(prefix, key) for key in keys)
        return sorted(number for number in found if number is not None)

    def read(self, tenant: TenantId, number: int) -> str:
        """Return the hash of a published head; raises `Unavailable`."""
        with _reading():
            body = self._s3().get_object(
                Bucket=self._bucket, Key=object_keys.audit_head(tenant, number)
            )["Body"]
            return body.read().decode(errors="replace")

    def tenants(self) -> list[TenantId]:
        """Return the tenants that have any; raises `Unavailable`."""
        with _reading():
            pages = (
                self._s3()
                .get_paginator("list_objects_v2")
                .paginate(Bucket=self._bucket, Prefix=object_keys.AUDIT_LOGS, Delimiter="/")
            )
            names = [
                item["Prefix"].removeprefix(object_keys.AUDIT_LOGS).rstrip("/")
                for page in pages
                for item in page.get("CommonPrefixes", ())
            ]
        return [TenantId.parse(name) for name in names]

    def _s3(self) -> "S3Client":
        if self._client is None:
            self._client = self._open_client()
        return self._client
