"""A tenant's export in a bucket: one line of JSON a row, and a manifest with their digests.

    exports/<tenant>/<job>/<part>.jsonl, and last manifest.json

It holds the e-mail addresses of all users: the bucket is read by operators alone, and forgets
(infra/operator.yaml).
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any

from bursa.aws.failures import unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_UNFINISHED = ("export_unfinished", "Export again; nothing was changed.")
_MANIFEST = "manifest.json"


class ExportBucket:
    """Where exports are."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(
        self,
        prefix: str,
        about: Mapping[str, Any],
        parts: Iterable[tuple[str, Iterable[Mapping[str, Any]]]],
    ) -> dict[str, Any]:
        """Write all parts below a prefix, and return the manifest; the same again replaces them.

        Raises `Unavailable` ``export_unfinished``; an export without a manifest is not whole.
        """
        files = {}
        for name, rows in parts:
            with tempfile.TemporaryFile() as file:
                files[f"{name}.jsonl"] = _write_rows(file, rows)
                file.seek(0)
                self._put(f"{prefix}/{name}.jsonl", file)
        manifest = {**about, "files": files}
        self._put(f"{prefix}/{_MANIFEST}", json.dumps(manifest, indent=2).encode())
        return manifest

    def _put(self, key: str, body: Any) -> None:  # noqa: ANN401 - bytes, or a file of them
        with unavailable(*_UNFINISHED):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)


def _write_rows(file: IO[bytes], rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    digest, count = sha256(), 0
    for row in rows:
        line = json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        file.write(line)
        digest.update(line)
        count += 1
    return {"rows": count, "sha256": digest.hexdigest()}
