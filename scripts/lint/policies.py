"""Runs checkov over the templates and holds its findings to scripts/lint/exceptions.yaml.

    python -m scripts.lint.policies CHECKOV TEMPLATE…

Fails for a finding without an exception, and for an exception without a finding.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

EXCEPTIONS = Path(__file__).with_name("exceptions.yaml")

# A check, and the template and resource that it is about.
Finding = tuple[str, str]


def main(arguments: Sequence[str]) -> int:
    """Check; returns the exit status."""
    checkov, *templates = arguments
    command = [checkov, "--framework", "cloudformation", "--skip-download", "--compact"]
    command += ["--quiet", "--output", "json", "--file", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        report = json.loads(done.stdout)
    except ValueError:
        print(f"lint: checkov broke: {done.stdout}{done.stderr}", file=sys.stderr)
        return 1
    faults = list(compare(findings(report), yaml.safe_load(EXCEPTIONS.read_text())))
    for fault in faults:
        print(f"lint: {fault}", file=sys.stderr)
    if not faults:
        print(f"lint: {report['summary']['passed']} policy checks passed")
    return 1 if faults else 0


def findings(report: Mapping[str, Any]) -> dict[Finding, str]:
    """Return what checkov found, each with the check's sentence."""
    failed = report["results"]["failed_checks"]
    return {
        (one["check_id"], f"{Path(one['file_path']).name} {one['resource'].rpartition('.')[2]}"): (
            one["check_name"]
        )
        for one in failed
    } | {
        ("parsing", Path(name).name): "it can't be parsed"
        for name in report["results"].get("parsing_errors", ())
    }


def compare(
    found: Mapping[Finding, str], exceptions: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a sentence for each finding and each exception without the other."""
    excepted = {(check, where) for check, one in exceptions.items() for where in one["where"]}
    used = set()
    for check, where in sorted(found):
        matching = {
            (one, pattern)
            for one, pattern in excepted
            if one == check and fnmatchcase(where, pattern)
        }
        used |= matching
        if not matching:
            yield f"{where}: {found[check, where]} ({check})"
    for check, pattern in sorted(excepted - used):
        yield f"{pattern}: {check} has an exception in {EXCEPTIONS.name} and no finding; remove it"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
