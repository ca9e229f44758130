"""A small client of the public API, for the tools and the end-to-end tests.

It signs in as an ordinary user and uses nothing but the public API.
"""

import json as json_format
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3
import requests
from botocore import UNSIGNED
from botocore.config import Config

OUTPUTS = Path(".local/outputs.json")
TIMEOUT_S = 30.0
# A read of what was just answered may say `not_known_yet`: it is asked again for so long.
PATIENCE_S = 10.0
PAUSE_S = 0.2

Json = dict[str, Any]


class ToolError(Exception):
    """Raised with one sentence for the terminal."""


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user of a demo tenant."""

    email: str
    password: str
    account: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """URLs of a running exchange, and a demo tenant's users."""

    rest_url: str
    ws_url: str
    region: str
    endpoint_url: str | None
    user_pool_client_id: str
    users: tuple[DemoUser, ...]
    # Of a local exchange; on AWS the caller has credentials of its own.
    access_key_id: str | None = None
    secret_access_key: str | None = None
    stack_outputs: dict[str, str] = field(default_factory=dict)
    # Of the tenant whose users they are, for public requests; empty where a host name says it.
    tenant: str = ""
    # Where who has not signed in follows its public channels.
    public_websocket_url: str = ""

    @classmethod
    def read(cls, path: Path = OUTPUTS, tenant: str = "") -> Self:
        """Read what `make up` wrote, for a tenant by its name, or the first.

        Raises `ToolError` when nothing runs, or no tenant goes by that name.
        """
        try:
            outputs = json_format.loads(path.read_text())
        except FileNotFoundError:
            raise ToolError(
                f"No exchange is running here ({path} is missing): `make up`."
            ) from None
        found = next((one for one in outputs["tenants"] if tenant in ("", one["name"])), None)
        if found is None:
            known = ", ".join(one["name"] for one in outputs["tenants"])
            raise ToolError(f"No tenant {tenant!r} in this deployment; there are: {known}.")
        users = tuple(
            DemoUser(user["email"], user["password"], user["account"]) for user in found["users"]
        )
        return cls(
            rest_url=outputs["rest_url"],
            ws_url=outputs["ws_url"],
            region=outputs["region"],
            endpoint_url=outputs.get("endpoint_url"),
            user_pool_client_id=found["user_pool_client_id"],
            users=users,
            tenant=found["id"],
            public_websocket_url=found.get("public_websocket_url", ""),
            access_key_id=outputs.get("access_key_id"),
            secret_access_key=outputs.get("secret_access_key"),
            stack_outputs=outputs.get("stack_outputs", {}),
        )

    def user(self, email: str | None = None) -> DemoUser:
        """Return the user with an e-mail address; the first one without an address."""
        for user in self.users:
            if email is None or user.email == email:
                return user
        known = ", ".join(user.email for user in self.users)
        raise ToolError(f"No user {email!r} in this deployment; there are: {known}.")


class ApiError(Exception):
    """Raised for a response that is a problem (RFC 9457), with its status and stable code."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.code = problem.get("code")
        self.problem = problem


@dataclass(frozen=True)
class Visitor:
    """Somebody who has not signed in."""

    deployment: Deployment

    def websocket_url(self) -> str:
        """Return the address of a new WebSocket, which takes no ticket."""
        return self.deployment.public_websocket_url


class Client:
    """One signed-in user's session."""

    def __init__(self, deployment: Deployment, user: DemoUser) -> None:
        self.deployment = deployment
        self.user = user
        self.session = requests.Session()
        self.token = self._sign_in()
        self.session.headers["Authorization"] = f"Bearer {self.token}"
        if deployment.tenant:
            self.session.headers["X-Tenant"] = deployment.tenant

    def _sign_in(self) -> str:
        cognito = boto3.client(
            "cognito-idp",
            region_name=self.deployment.region,
            endpoint_url=self.deployment.endpoint_url,
            config=Config(signature_version=UNSIGNED),
        )
        response = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=self.deployment.user_pool_client_id,
            AuthParameters={"USERNAME": self.user.email, "PASSWORD": self.user.password},
        )
        return str(response["AuthenticationResult"]["AccessToken"])

    def websocket_url(self) -> str:
        """Return the address of a new WebSocket, with a ticket that is good once and soon."""
        ticket = self.call("POST", "/ws-ticket")["ticket"]
        return f"{self.deployment.ws_url}?ticket={ticket}"

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Json | None = None,
        params: dict[str, str | int] | None = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send one request; ``path`` begins after ``/v1``."""
        url = f"{self.deployment.rest_url}{path}"
        return self.session.request(
            method, url, json=json, params=params, headers=headers, timeout=TIMEOUT_S
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Json | None = None,
        params: dict[str, str | int] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Json:
        """Send one request and return its JSON; raises `ApiError` for a problem.

        A read that is answered ``not_known_yet`` is sent again for some seconds, as that asks for.
        """
        patient_until = time.monotonic() + PATIENCE_S
        while True:
            response = self.send(method, path, json=json, params=params, headers=headers)
            try:
                body = response.json()
            except requests.JSONDecodeError:
                body = {"code": "not_json", "detail": response.text[:200]}
            if response.ok:
                return dict(body)
            known = method != "GET" or body.get("code") != "not_known_yet"
            if known or time.monotonic() > patient_until:
                raise ApiError(response.status_code, body)
            time.sleep(PAUSE_S)
