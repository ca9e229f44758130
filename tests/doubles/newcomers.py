"""People who sign up with a brand and show who they are, by the public API alone."""

import secrets
import time
from typing import Any

import boto3
import requests
from botocore import UNSIGNED
from botocore.config import Config

from scripts.client import Client, DemoUser, Deployment, Json
from tests.unit.compliance.test_documents import jpeg, png

# The emulator sends no other.
CODE = "123456"
PATIENCE_S = 60.0
TIMEOUT_S = 30
BYTES = {"image/jpeg": jpeg(), "image/png": png()}
ANNA: Json = {
    "given_names": "Anna",
    "family_name": "Lindqvist",
    "born": "1990-02-28",
    "nationality": "SE",
    "residence": "SE",
}


def pool_client(exchange: Deployment) -> Any:
    """Return a client of the user pools that needs no credentials."""
    return boto3.client(
        "cognito-idp",
        region_name=exchange.region,
        endpoint_url=exchange.endpoint_url,
        config=Config(signature_version=UNSIGNED),
    )


def sign_up(exchange: Deployment) -> DemoUser:
    """Sign up and enter the code, as the brand's page does."""
    user = DemoUser(f"{secrets.token_hex(8)}@example.com", f"Aa1{secrets.token_hex(8)}", "")
    pool, client_id = pool_client(exchange), exchange.user_pool_client_id
    pool.sign_up(
        ClientId=client_id,
        Username=user.email,
        Password=user.password,
        UserAttributes=[{"Name": "email", "Value": user.email}],
    )
    pool.confirm_sign_up(ClientId=client_id, Username=user.email, ConfirmationCode=CODE)
    return user


def upload(client: Client, document: str, kind: str, content: bytes | None = None) -> str:
    """Upload a file by a form, and return its document id."""
    form = client.call("POST", "/kyc/documents", json={"document": document, "content_type": kind})
    files = {"file": ("file", BYTES[kind] if content is None else content)}
    posted = requests.post(form["url"], data=form["fields"], files=files, timeout=TIMEOUT_S)
    assert posted.ok, posted.text
    return str(form["document_id"])


def apply(client: Client, level: int, *documents: str, **said: str) -> Json:
    """Say who one is, upload pictures of documents, and apply."""
    client.call("PUT", "/kyc/personal-data", json=ANNA | said)
    ids = [upload(client, document, "image/jpeg") for document in documents]
    return client.call("POST", "/kyc/applications", json={"level": level, "documents": ids})


def wait_for(client: Client, state: str) -> Json:
    """Return the caller's state once it is this one."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := client.call("GET", "/kyc"))["state"] != state:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def wait_for_level(client: Client, level: int) -> None:
    """Return once a sign-in has this level: a verdict is kept for ten seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while client.call("GET", "/me")["level"] != level:
        assert time.monotonic() < deadline, "the level did not come"
        time.sleep(0.5)
