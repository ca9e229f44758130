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

    from mypy_boto3_s3 import S3Client

_EXISTS = "PreconditionFailed"


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
        client = self._s3()
        heads = {}
        with unavailable("heads_unavailable", "Ask again in a moment."):
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=object_keys.audit_heads(tenant)
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    number = object_keys.archived_number(
                        object_keys.audit_heads(tenant), item["Key"]
                    )
                    if number is not None:
                        body = client.get_object(Bucket=self._bucket, Key=item["Key"])["Body"]
                        heads[number] = body.read().decode(errors="replace")
        return heads

    def _s3(self) -> "S3Client":
        if self._client is None:
            self._client = self._open_client()
        return self._client
