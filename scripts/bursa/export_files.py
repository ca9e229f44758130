"""The files of a tenant's export: one line of JSON a row, and a manifest with their digests.

The folder is closed to others: it holds the e-mail addresses of all users. An export that was cut
off has no manifest.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from scripts.client import ToolError
from scripts.local import private

MANIFEST = "manifest.json"
_REPORT_EVERY = 10_000

Row = Mapping[str, Any]


def write_export(
    folder: Path,
    about: Mapping[str, Any],
    parts: Iterable[tuple[str, Iterable[Row]]],
    report: Callable[[str], None],
) -> dict[str, Any]:
    """Write all parts and return the manifest.

    Parameters
    ----------
    folder
        Must not exist or be empty.
    about
        What the manifest begins with.

    Raises
    ------
    ToolError
        The folder holds something already.

    """
    if folder.exists() and any(folder.iterdir()):
        raise ToolError(f"{folder} is not empty; name a new folder.")
    private.close_to_others(folder)
    files = {}
    for name, rows in parts:
        file = folder / f"{name}.jsonl"
        files[file.name] = _write_part(file, rows, report)
        report(f"{file.name}: {files[file.name]['rows']} rows")
    manifest = {**about, "files": files}
    private.write(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return manifest


def _write_part(file: Path, rows: Iterable[Row], report: Callable[[str], None]) -> dict[str, Any]:
    digest, count = sha256(), 0
    with private.append(file) as stream:
        for row in rows:
            line = json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            stream.write(line)
            digest.update(line)
            count += 1
            if count % _REPORT_EVERY == 0:
                report(f"{file.name}: {count} rows so far")
    return {"rows": count, "sha256": digest.hexdigest()}
