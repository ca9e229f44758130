"""Sign a user out everywhere, shut it out, or let it in again.

    make users ARGS="sign-out alice@demo.example"
    make users ARGS="disable alice@demo.example"
    make users ARGS="enable alice@demo.example --stack bursa"

Ends with 0 when it is done, 2 with one sentence when it could not be done. Each may be repeated.
"""

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from bursa.aws.clients import cognito_client, dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.dialects.native.feed_messages import signed_out
from bursa.identity.sessions import SessionEnd
from bursa.identity.user_pool_cognito import CognitoUserPool
from bursa.kernel.identifiers import TenantId
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.sockets import Sockets, management_client
from bursa.tenants.dynamodb import DirectoryTable
from scripts.client import OUTPUTS, ToolError


class Users(NamedTuple):
    """The users of the deployment's first tenant."""

    directory: DirectoryTable
    pool: CognitoUserPool
    end_sessions: SessionEnd
    tenant: TenantId

    def change(self, operation: str, email: str) -> str:
        """Carry out an operation; return what was done. Raises `ToolError`."""
        found = self.pool.find_user(email)
        account = found and self.directory.account_of(self.tenant, found.subject)
        if found is None or account is None:
            raise ToolError(f"{email} is no user of {self.tenant} with an account.")
        if operation == "enable":
            self.pool.set_enabled(email, is_enabled=True)
            self.directory.set_disabled(self.tenant, found.subject, is_disabled=False)
            return f"{email} may sign in again."
        # The exchange first: the user pool only keeps new tokens from being issued.
        if operation == "disable":
            self.directory.set_disabled(self.tenant, found.subject, is_disabled=True)
        self.end_sessions.record(account, found.subject, time.time_ns() // 1_000_000)
        if operation == "disable":
            self.pool.set_enabled(email, is_enabled=False)
        self.pool.end_sessions(email)
        closed = self.end_sessions.close_connections(account, found.subject)
        return f"All sessions of {email} have ended; {closed} WebSockets were closed."


def stack_outputs(arguments: argparse.Namespace) -> dict[str, str]:
    """Return a deployment's outputs, and lead this process's clients to where it runs."""
    if arguments.stack:
        os.environ.setdefault("AWS_DEFAULT_REGION", arguments.region)
        stacks = boto3.client("cloudformation").describe_stacks(StackName=arguments.stack)
        rows = stacks["Stacks"][0].get("Outputs", [])
        return {row["OutputKey"]: row["OutputValue"] for row in rows}
    try:
        running = json.loads(arguments.outputs.read_text())
    except FileNotFoundError:
        raise ToolError(
            f"No exchange is running here ({arguments.outputs} is missing): `make up`."
        ) from None
    os.environ["AWS_ENDPOINT_URL"] = running["endpoint_url"]
    os.environ["AWS_DEFAULT_REGION"] = running["region"]
    os.environ["AWS_ACCESS_KEY_ID"] = running["access_key_id"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = running["secret_access_key"]
    os.environ.pop("AWS_SESSION_TOKEN", None)
    outputs: dict[str, str] = running["stack_outputs"]
    return outputs


def open_users(outputs: dict[str, str]) -> Users:
    """Build the adapters; raises `ToolError` when no tenant has been opened."""
    client = dynamodb_client()
    directory = DirectoryTable(client, outputs["DirectoryTable"])
    profile = directory.tenant_of(outputs["Issuer"])
    if profile is None:
        raise ToolError("No tenant has been opened on this deployment.")
    endpoint = re.sub("^wss", "https", outputs["WebSocketUrl"])
    sockets = Sockets(
        management_client(endpoint, os.environ.get("AWS_ENDPOINT_URL", "")), _warn, _warn
    )
    connections = ConnectionsTable(client, outputs["ConnectionsTable"], TableWriter(client))
    return Users(
        directory,
        CognitoUserPool(cognito_client(), outputs["UserPoolId"]),
        SessionEnd(directory, connections, sockets, [signed_out()]),
        profile.tenant,
    )


def _warn(why: str) -> None:
    print(f"A WebSocket could not be reached: {why}", file=sys.stderr)


def main() -> int:
    """Run the tool; return the exit status."""
    parser = argparse.ArgumentParser(prog="users", description=__doc__)
    parser.add_argument("operation", choices=["sign-out", "disable", "enable"])
    parser.add_argument("email")
    parser.add_argument("--stack", help="a deployment on AWS instead of the one on this machine")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    arguments = parser.parse_args()
    try:
        users = open_users(stack_outputs(arguments))
        print(users.change(arguments.operation, arguments.email))
    except (ToolError, BotoCoreError, ClientError) as error:
        print(f"users: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
