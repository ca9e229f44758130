"""How long the functions take to start, and what they spend it on.

A Lambda's cold start is its imports and the making of its clients. Each function is started several
times in a process of its own, with the environment that Lambda gives (some libraries start
differently there). Medians of time and of processor time are printed, and the packages that take
most of it. Give the interpreter of an environment that holds what the layer holds: others have
packages that slow botocore down.

    python -m benchmarks.bench_cold_start --runs 7
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.contract.templates import APPLICATION, resources, template

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
SHOWN_PACKAGES = 6
# Values that are read at the start; all other variables hold names, which are never called.
READ_AT_START = {
    "CLAMD_PORT": "3310",
    "SHARDS": "0",
    "FACT_KINDS": "order.done,trade.executed",
    "TENANTS_SHARE_HOSTS": "false",
    "REPLY_DEADLINE_MS": "5000",
    "WEBSOCKET_ENDPOINT": "https://example.invalid/v1",
    "PUBLIC_WEBSOCKET_ENDPOINT": "https://example.invalid/v1",
    "COMMAND_QUEUE_URL_PREFIX": "https://sqs.us-east-1.amazonaws.com/123456789012/commands-",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "WITHDRAWAL_PAUSE_MS": "86400000",
}
_IMPORT_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")
_TIMED = """
import time
began, began_cpu = time.perf_counter(), time.process_time()
import {function}.app
print(time.perf_counter() - began, time.process_time() - began_cpu)
"""


def environment(function: str) -> dict[str, str]:
    """Return the variables that the template and Lambda set, with names that are never called."""
    variables = [
        name for settings in _settings(function) for name in settings["Environment"]["Variables"]
    ]
    return {name: READ_AT_START.get(name, name.lower()) for name in variables} | {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
        "LAMBDA_TASK_ROOT": str(ROOT / "functions"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("layers/core", "functions")),
    }


def _settings(function: str) -> list[dict[str, Any]]:
    own = [
        one["Properties"]
        for one in resources(APPLICATION, "AWS::Serverless::Function").values()
        if one["Properties"]["Handler"] == f"{function}.app.handler"
    ]
    return [template(APPLICATION)["Globals"]["Function"], *own]


def start_ms(function: str) -> tuple[float, float]:
    """Start a function once; return the time and the processor time it took."""
    wall_s, cpu_s = _run(function, "-c", _TIMED.format(function=function)).stdout.split()
    return float(wall_s) * 1_000, float(cpu_s) * 1_000


def package_times(function: str) -> Counter[str]:
    """Sum the import times, in microseconds, by package."""
    times: Counter[str] = Counter()
    for line in _run(
        function, "-X", "importtime", "-c", f"import {function}.app"
    ).stderr.splitlines():
        match = _IMPORT_LINE.match(line)
        if match:
            times[match[2].split(".")[0]] += int(match[1])
    return times


def _run(function: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, *arguments],
        env=environment(function),
        check=True,
        capture_output=True,
        text=True,
    )


def main() -> None:
    """Print a line per function."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", nargs="*", default=FUNCTIONS)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'function':<12} {'median ms':>9} {'CPU ms':>7}  where (ms of imports)")
    for function in arguments.functions:
        start_ms(function)  # writes the byte code
        times, processor_times = zip(
            *(start_ms(function) for _ in range(arguments.runs)), strict=True
        )
        packages = package_times(function).most_common(SHOWN_PACKAGES)
        where = ", ".join(f"{name} {spent / 1_000:.0f}" for name, spent in packages)
        wall, cpu = statistics.median(times), statistics.median(processor_times)
        print(f"{function:<12} {wall:>9.0f} {cpu:>7.0f}  {where}")


if __name__ == "__main__":
    main()
