"""Forms for uploads: what S3 is told to refuse, and whose files are read."""

import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from bursa.compliance.documents import BYTES_MAX, FileKind, Upload
from bursa.compliance.documents_s3 import S3Documents
from bursa.compliance.levels import Requirement
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import TenantId

T1, T2 = TenantId(1), TenantId(2)
UPLOAD = Upload(T1, "anna", 2, Requirement.SELFIE, FileKind.JPEG)


class World(NamedTuple):
    client: Any
    documents: S3Documents


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client: Any = boto3.client("s3")
        client.create_bucket(Bucket="documents")
        client.put_bucket_versioning(
            Bucket="documents", VersioningConfiguration={"Status": "Enabled"}
        )
        names = iter(f"{number:032x}" for number in range(100))
        yield World(
            client,
            S3Documents(client, "documents", "arn:of:{}".format, names.__next__),
        )


def test_a_form_allows_one_file_of_one_kind_under_the_users_key(world: World) -> None:
    form = world.documents.form(UPLOAD)
    policy = json.loads(b64decode(form.fields["policy"]))["conditions"]
    context = {"tenant": "t1", "user": "anna"}
    assert form.key == f"documents/t1/anna/2/selfie-{0:032x}.jpeg"
    assert ["content-length-range", 1, BYTES_MAX] in policy
    for condition in (
        {"bucket": "documents"},
        {"key": form.key},
        {"Content-Type": "image/jpeg"},
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption-aws-kms-key-id": "arn:of:t1"},
    ):
        assert condition in policy
        assert condition.items() <= (form.fields | {"bucket": "documents"}).items()
    sealed = form.fields["x-amz-server-side-encryption-context"]
    assert json.loads(b64decode(sealed)) == context
    # Nothing may be chosen by the client: no condition is a prefix.
    assert not any(isinstance(one, list) and one[0] == "starts-with" for one in policy)


def test_each_form_is_for_another_file(world: World) -> None:
    assert world.documents.form(UPLOAD).key != world.documents.form(UPLOAD).key


def test_only_the_users_own_files_of_the_attempt_are_read(world: World) -> None:
    key = world.documents.form(UPLOAD).key
    with pytest.raises(BursaError) as caught:
        world.documents.read(T1, "anna", 2, key)
    assert caught.value.code == "no_document"
    world.client.put_object(Bucket="documents", Key=key, Body=b"picture")
    first = world.documents.read(T1, "anna", 2, key)
    assert first.content == b"picture"
    # The form is still good: what was checked is known by its version.
    world.client.put_object(Bucket="documents", Key=key, Body=b"another")
    second = world.documents.read(T1, "anna", 2, key)
    assert (second.content, second.version != first.version) == (b"another", True)
    assert world.documents.read(T1, "anna", 2, key, first.version) == first
    for tenant, user, attempt in (
        (T2, "anna", 2),
        (T1, "bert", 2),
        (T1, "anna", 1),
        (T1, "ann", 2),
    ):
        with pytest.raises(BursaError) as caught:
            world.documents.read(tenant, user, attempt, key)
        assert caught.value.code == "no_document"


def test_a_file_that_is_too_large_is_not_read(world: World) -> None:
    key = world.documents.form(UPLOAD).key
    world.client.put_object(Bucket="documents", Key=key, Body=bytes(BYTES_MAX + 1))
    with pytest.raises(BursaError) as caught:
        world.documents.read(T1, "anna", 2, key)
    assert caught.value.code == "document_too_large"
