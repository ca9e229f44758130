"""What `make journal` does with a journal's archive: hold one against the other, and disown.

make journal ARGS="verify --against-archive"
make journal ARGS="disown --object heads/17 --why 'put there by …, ticket 5'"
"""

import argparse
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from bursa.journal.archive import Comparison
from bursa.journal.archive_file import FileArchive
from bursa.journal.archive_objects import ObjectArchive
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.disownment import NotDisowned, disown
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.record import EncodedRecord
from bursa.journal.replica import Head
from scripts.client import ToolError
from scripts.rebuild import connect


class ArchiveCheck:
    """Compares each record that is walked; compares nothing unless asked to."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._comparison: Comparison | None = None
        self._disowned = 0
        if options.against_archive:
            archive = _archive(options)
            self._comparison = Comparison(archive, Path(self._folder.name))
            self._disowned = len(archive.disowned())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def begin(self, end: int) -> None:
        """Take the journal's last sequence."""
        if self._comparison is not None:
            self._comparison.begin(end)

    def take(self, record: EncodedRecord) -> None:
        """Compare one record; raises `ArchiveDiffers`."""
        if self._comparison is not None:
            self._comparison.take(record)

    def finish(self) -> dict[str, Any]:
        """Compare the ends, and report how much was compared; raises `ArchiveDiffers`."""
        if self._comparison is None:
            return {}
        self._comparison.finish()
        return {
            "archived_segments": self._comparison.segments,
            "published_heads": self._comparison.heads,
            "disowned_objects": self._disowned,
            "archive": "agrees",
        }


def disown_object(options: argparse.Namespace, journal: DynamoJournal) -> dict[str, Any]:
    """Disown an object of the archive; raises `ToolError` for what can't be."""
    if not options.object or not options.why.strip():
        raise ToolError("Name the object with --object, as heads/17, and say how you know: --why.")
    client, _ = connect(options, "sts")
    try:
        said = disown(
            _archive(options),
            journal,
            options.shard,
            options.object,
            journal.head() or Head(),
            by=client.get_caller_identity()["Arn"],
            time_ms=time.time_ns() // 1_000_000,
            why=options.why.strip(),
        )
    except NotDisowned as error:
        raise ToolError(str(error)) from None
    return msgspec.to_builtins(said)  # type: ignore[no-any-return]


def _archive(options: argparse.Namespace) -> ObjectArchive:
    if options.archive is not None:
        return FileArchive(options.archive, options.shard)
    client, variables = connect(options, "s3")
    try:
        bucket = variables["ARCHIVE_BUCKET"]
    except KeyError:
        raise ToolError("The stack has no output ArchiveBucket.") from None
    return S3Archive(client, bucket, options.shard)
