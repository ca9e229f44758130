"""Sign a user out everywhere, shut it out, let it in again, or reopen what it has closed.

    make users ARGS="sign-out alice@demo.example"
    make users ARGS="disable alice@demo.example"
    make users ARGS="enable alice@demo.example --stack bursa"
    make users ARGS="reopen alice@demo.example"    # that its user has closed

Ends with 0 when it is done, 2 with one sentence when it could not be done. Each may be repeated.
"""

import argparse
import os
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from bursa.aws.clients import cognito_client, dynamodb_client
from bursa.aws.table_writer import TableWriter
from bursa.dialects.native.feed_messages import signed_out
from bursa.identity.sessions import SessionEnd
from bursa.identity.user_pool_cognito import CognitoUserPool
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.sockets import Sockets, management_client
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.ended_sessions_dynamodb import EndedSessionRows
from scripts.bursa.stack import DEFAULT_REGION, stack_outputs
from scripts.client import OUTPUTS, ToolError


class Users(NamedTuple):
    """The users of the deployment's first tenant."""

    directory: DirectoryTable
    pool: CognitoUserPool
    end_sessions: SessionEnd
    tenant: TenantId
    closed: EndedSessionRows

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
        if operation == "reopen":
            self.closed.reopen_user(self.tenant, found.subject)
            return f"The account of {email} is open again; its API keys stay revoked."
        # The exchange first: the user pool only keeps new tokens from being issued.
        if operation == "disable":
            self.directory.set_disabled(self.tenant, found.subject, is_disabled=True)
        self.end_sessions.record(account, found.subject, time.time_ns() // 1_000_000)
        if operation == "disable":
            self.pool.set_enabled(email, is_enabled=False)
        self.pool.end_sessions(email)
        closed = self.end_sessions.close_connections(account, found.subject)
        return f"All sessions of {email} have ended; {closed} WebSockets were closed."


def open_users(outputs: dict[str, str]) -> Users:
    """Build the adapters; raises `ToolError` when no tenant has been opened."""
    client = dynamodb_client()
    directory = DirectoryTable(client, outputs["DirectoryTable"])
    profile = directory.tenant_of(outputs["Issuer"])
    if profile is None:
        raise ToolError("No tenant has been opened on this deployment.")
    endpoint = re.sub("^wss", "https", outputs["WebSocketUrl"])
    sockets = Sockets(
        management_client(endpoint, os.environ.get("AWS_ENDPOINT_URL", "")),
        _warn,
        _warn,
        SystemClock(),
    )
    connections = ConnectionsTable(client, outputs["ConnectionsTable"], TableWriter(client))
    return Users(
        directory,
        CognitoUserPool(cognito_client(), outputs["UserPoolId"]),
        SessionEnd(directory, connections, sockets, [signed_out()]),
        profile.tenant,
        EndedSessionRows(client, outputs["DirectoryTable"]),
    )


def _warn(why: str) -> None:
    print(f"A WebSocket could not be reached: {why}", file=sys.stderr)


def main() -> int:
    """Run the tool; return the exit status."""
    parser = argparse.ArgumentParser(prog="users", description=__doc__)
    parser.add_argument("operation", choices=["sign-out", "disable", "enable", "reopen"])
    parser.add_argument("email")
    parser.add_argument("--stack", help="a deployment on AWS instead of the one on this machine")
    parser.add_argument("--region", default=DEFAULT_REGION)
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    arguments = parser.parse_args()
    try:
        outputs = stack_outputs(arguments.stack, arguments.region, arguments.outputs)
        users = open_users(outputs)
        print(users.change(arguments.operation, arguments.email))
    except (ToolError, BotoCoreError, ClientError) as error:
        print(f"users: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
