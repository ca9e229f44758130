"""Puts the worker's archive into a deployment's checkpoint bucket and prints its key.

The key holds the archive's hash, so that new content is a new key and replaces the instances.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ARCHIVE = Path(".local/bursa-worker.tar.gz")
BUILD = "worker/deploy/build.sh"


def main() -> int:
    """Publish, or only check the credentials; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--stack", help="the deployment's stack")
    what.add_argument("--check", action="store_true", help="only say whose account this is")
    arguments = parser.parse_args()
    try:
        if arguments.check:
            say(f"account {account()}, region {boto3.session.Session().region_name}")
        else:
            print(publish(arguments.stack))
    except (BotoCoreError, ClientError, subprocess.CalledProcessError) as error:
        say(f"{error}")
        return 1
    return 0


def account() -> str:
    """Return the account of the current credentials."""
    return boto3.client("sts").get_caller_identity()["Account"]


def publish(stack: str) -> str:
    """Build the archive, upload it, and return its key."""
    subprocess.run([BUILD, str(ARCHIVE)], check=True, stdout=sys.stderr)  # noqa: S603 - our own
    content = ARCHIVE.read_bytes()
    key = f"worker/{hashlib.sha256(content).hexdigest()[:16]}.tar.gz"
    description = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {row["OutputKey"]: row["OutputValue"] for row in description["Outputs"]}
    boto3.client("s3").put_object(Bucket=outputs["CheckpointBucket"], Key=key, Body=content)
    return key


def say(sentence: str) -> None:
    """Print for a person, on the stream that a script does not read."""
    print(f"publish: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
