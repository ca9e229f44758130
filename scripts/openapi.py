"""Writes the APIs' descriptions in docs from the code; with --check only compares."""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from bursa.dialects.binance.openapi import binance_document  # noqa: E402
from bursa.dialects.events.asyncapi import events_document  # noqa: E402
from bursa.dialects.native.asyncapi import asyncapi_document  # noqa: E402
from bursa.dialects.native.openapi import openapi_document  # noqa: E402
from bursa.dialects.operator.operations import operator_document  # noqa: E402

DOCUMENTS = {
    ROOT / "docs" / "asyncapi.json": asyncapi_document,
    ROOT / "docs" / "events.json": events_document,
    ROOT / "docs" / "openapi.json": openapi_document,
    ROOT / "docs" / "operator-openapi.json": operator_document,
    ROOT / "docs" / "binance-openapi.json": binance_document,
}
# The committed document describes the API, whatever release carries it.
VERSION = "1"


def render(path: Path) -> str:
    """Return a document as it is committed."""
    return json.dumps(DOCUMENTS[path](VERSION), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or check the documents; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when outdated")
    arguments = parser.parse_args()
    outdated = 0
    for path in DOCUMENTS:
        text, name = render(path), path.relative_to(ROOT)
        if path.exists() and path.read_text() == text:
            print(f"{name} is up to date.")
        elif arguments.check:
            print(f"{name} is outdated: run scripts/openapi.py.")
            outdated = 1
        else:
            path.write_text(text)
            print(f"Wrote {name}.")
    return outdated


if __name__ == "__main__":
    sys.exit(main())
