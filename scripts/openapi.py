"""Writes docs/openapi.json from the code; with --check only compares."""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "layers" / "core"))

from bursa.dialects.native.openapi import openapi_document  # noqa: E402

DOCUMENT = ROOT / "docs" / "openapi.json"
# The committed document describes the API, whatever release carries it.
VERSION = "1"


def render() -> str:
    """Return the document as it is committed."""
    return json.dumps(openapi_document(VERSION), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write or check the document; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when outdated")
    arguments = parser.parse_args()
    text = render()
    if DOCUMENT.exists() and DOCUMENT.read_text() == text:
        print(f"{DOCUMENT.relative_to(ROOT)} is up to date.")
        return 0
    if arguments.check:
        print(f"{DOCUMENT.relative_to(ROOT)} is outdated: run scripts/openapi.py.")
        return 1
    DOCUMENT.write_text(text)
    print(f"Wrote {DOCUMENT.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
