"""Holds a journal against its archive, for `make journal ARGS="verify --against-archive"`."""

import argparse
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bursa.journal.archive import Archive, Comparison
from bursa.journal.archive_file import FileArchive
from bursa.journal.archive_s3 import S3Archive
from bursa.journal.record import EncodedRecord
from scripts.client import ToolError
from scripts.rebuild import connect


class ArchiveCheck:
    """Compares each record that is walked; compares nothing unless asked to."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._comparison: Comparison | None = None
        if options.against_archive:
            self._comparison = Comparison(_archive(options), Path(self._folder.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

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
            "archive": "agrees",
        }


def _archive(options: argparse.Namespace) -> Archive:
    if options.archive is not None:
        return FileArchive(options.archive, options.shard)
    client, variables = connect(options, "s3")
    try:
        bucket = variables["ARCHIVE_BUCKET"]
    except KeyError:
        raise ToolError("The stack has no output ArchiveBucket.") from None
    return S3Archive(client, bucket, options.shard)
