"""Sanctions lists in a bucket: put in force whole, and read whole or not at all."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.compliance.list_versions import ListFiles, publish, read_list
from bursa.compliance.list_versions_s3 import S3Lists
from bursa.compliance.sanctions_list import parse_list
from bursa.kernel import object_keys
from bursa.kernel.errors import BursaError, Conflict, InternalError, InvalidInput
from tests.doubles.screening_set import DATA, made_list
from tests.unit.compliance.test_sanctions_list import sdn

NOW = 1_790_000_000_000
FILES = ListFiles((DATA / "sdn.csv").read_bytes(), (DATA / "alt.csv").read_bytes())
SHORT = ListFiles(sdn((2001, "SOKOLOV, Dmitri")), b"")
BUCKET = "lists"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def test_a_list_is_put_in_force_and_read(client: Any) -> None:
    store = S3Lists(client, BUCKET)
    with pytest.raises(InvalidInput) as raised:
        read_list(store, "ofac-sdn")
    assert raised.value.code == "no_list"
    in_force = publish(store, "ofac-sdn", FILES, NOW)
    assert (in_force.digest, in_force.entries) == (made_list().digest, 60)
    assert read_list(store, "ofac-sdn") == made_list()
    # The same again is the same.
    assert publish(store, "ofac-sdn", FILES, NOW + 1) == in_force


def test_a_list_that_lost_entries_needs_a_persons_word(client: Any) -> None:
    store = S3Lists(client, BUCKET)
    publish(store, "ofac-sdn", FILES, NOW)
    with pytest.raises(InvalidInput) as raised:
        publish(store, "ofac-sdn", SHORT, NOW)
    assert raised.value.code == "list_shrunk"
    assert len(read_list(store, "ofac-sdn").entries) == 60
    digest = parse_list(*SHORT).digest
    publish(store, "ofac-sdn", SHORT, NOW, confirmed=digest)
    assert read_list(store, "ofac-sdn").digest == digest


@pytest.mark.parametrize("file", ListFiles._fields)
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-40], lambda data: data + b"\n", bytes.lower]
)
def test_a_file_that_is_not_what_was_published_is_never_read(
    client: Any, file: str, damage: Any
) -> None:
    store = S3Lists(client, BUCKET)
    in_force = publish(store, "ofac-sdn", FILES, NOW)
    key = object_keys.list_file("ofac-sdn", in_force.digest, file)
    client.put_object(Bucket=BUCKET, Key=key, Body=damage(getattr(FILES, file)))
    with pytest.raises(InternalError) as raised:
        read_list(store, "ofac-sdn")
    assert raised.value.code == "list_damaged"
    # And nothing takes its place by looking longer than a damaged one.
    with pytest.raises(InternalError):
        publish(store, "ofac-sdn", SHORT, NOW)


def test_a_row_that_can_not_be_read_is_damage(client: Any) -> None:
    store = S3Lists(client, BUCKET)
    client.put_object(Bucket=BUCKET, Key=object_keys.list_in_force("ofac-sdn"), Body=b"{}")
    with pytest.raises(InternalError):
        read_list(store, "ofac-sdn")


def test_of_two_lists_at_once_one_is_refused(client: Any) -> None:
    store = S3Lists(client, BUCKET)
    before = store.read_in_force("ofac-sdn")
    publish(store, "ofac-sdn", FILES, NOW)
    with pytest.raises(Conflict) as raised:
        store.write_in_force("ofac-sdn", b"{}", before)
    assert raised.value.code == "list_changed"
    with pytest.raises(Conflict):
        store.write_in_force("ofac-sdn", b"{}", b"something else")
    assert read_list(store, "ofac-sdn") == made_list()


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a" * 32])
def test_a_name_that_would_lead_elsewhere_is_refused(client: Any, name: str) -> None:
    store = S3Lists(client, BUCKET)
    for one in (lambda: read_list(store, name), lambda: publish(store, name, FILES, NOW)):
        with pytest.raises(BursaError) as raised:
            one()
        assert raised.value.code == "invalid_list_name"


def test_lists_do_not_know_each_other(client: Any) -> None:
    store = S3Lists(client, BUCKET)
    publish(store, "ofac-sdn", FILES, NOW)
    publish(store, "own", SHORT, NOW)
    assert len(read_list(store, "ofac-sdn").entries) == 60
    assert len(read_list(store, "own").entries) == 1


def test_how_far_a_comparison_got_is_replaced_as_it_was_read(client: Any) -> None:
    store = S3Lists(client, BUCKET)
    assert store.read_run("ofac-sdn") is None
    store.write_run("ofac-sdn", b"1", None)
    store.write_run("ofac-sdn", b"2", b"1")
    for before in (None, b"1"):
        with pytest.raises(Conflict):
            store.write_run("ofac-sdn", b"3", before)
    assert store.read_run("ofac-sdn") == b"2"
