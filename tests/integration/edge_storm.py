"""A storm over the whole path: REST handler, queue, killed workers, journal, stream, projector.

Everybody reaches the emulator through the proxy that loses, refuses and delays. Users do what
they are told: after a 503 the same request again, now and then one that was answered long ago. The
stream reaches the projector as Lambda's event source mapping would bring it, the template's
properties included.
"""

import random
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from benchmarks.rig import Rig
from bursa.journal.record import EncodedRecord
from tests.contract.templates import APPLICATION, resources
from tests.integration.edge import LATER, Edge, account, command_bytes
from tests.integration.read_models.stream_mapping import StreamMapping
from tests.integration.storm import (
    RULES,
    Weather,
    decisions,
    faults_fired,
    set_rules,
    start_proxy,
    wait_until_done,
)
from tests.unit.conftest import Context

ACCOUNTS = 12
_PATIENCE_S = 60
_PROJECT_EVERY = 20
_REPEATED_SHARE = 0.1
_WAITING_SHARE = 0.1
_BATCH_SHARE = 0.2
_ACCEPTED = {200, 201, 202}


@dataclass(slots=True)
class EdgeStorm:
    """What an exchange went through, for its checks."""

    faults: int = 0
    given_up: list[Any] = field(default_factory=list)
    records: list[EncodedRecord] = field(default_factory=list)
    # By account, in the order in which they were accepted.
    accepted: dict[int, list[bytes]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


class Users:
    """Send orders by REST, alone and in batches, until each is accepted."""

    def __init__(self, edge: Edge, rng: random.Random, storm: EdgeStorm) -> None:
        self._edge = edge
        self._rng = rng
        self._storm = storm
        self._count = 0
        self._sent: list[tuple[int, str, Any, dict[str, str]]] = []

    def act(self) -> None:
        """Send something new, and now and then something old again."""
        rng = self._rng
        index = rng.randint(1, ACCOUNTS)
        if rng.random() < _BATCH_SHARE:
            orders = [self._order() for _ in range(rng.randint(2, 5))]
            body: Any = {"operations": [{"op": "place", **order} for order in orders]}
            path = "/orders/batch"
        else:
            orders = [self._order()]
            body, path = orders[0], "/orders"
        headers = {"Idempotency-Key": f"key-{self._count}"}
        if rng.random() >= _WAITING_SHARE:
            headers |= LATER
        self._send(index, path, body, headers)
        self._storm.accepted.setdefault(index, []).extend(
            command_bytes(account(index), order["client_order_id"]) for order in orders
        )
        self._sent.append((index, path, body, headers))
        if rng.random() < _REPEATED_SHARE:
            self._send(*rng.choice(self._sent))

    def _order(self) -> dict[str, str]:
        self._count += 1
        rng = self._rng
        return {
            "market": "BTC-USDT",
            "side": rng.choice(("buy", "sell")),
            "type": "limit",
            "price": str(rng.randint(95, 105)),
            "quantity": f"0.{rng.randint(1, 2_000):05d}",
            "client_order_id": f"order-{self._count}",
        }

    def _send(self, index: int, path: str, body: Any, headers: dict[str, str]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            response = self._edge.post(account(index), path, body, headers)
            if response.status in _ACCEPTED:
                return
            assert response.status == 503, response
            assert int(response.headers["Retry-After"]) >= 1
            assert time.monotonic() < deadline, response
            time.sleep(0.2)


def run_edge_storm(
    rig: Rig, patch: pytest.MonkeyPatch, seed: int, requests: int, strikes: int
) -> EdgeStorm:
    """Send requests while the weather is bad; then wait until all is done and projected."""
    rng, storm = random.Random(seed), EdgeStorm()
    endpoint = start_proxy(rig)
    weather = Weather(rig, endpoint, rng)
    for _ in range(2):
        weather.start_worker()
    weather.wait_for_leader()
    edge = Edge(rig, patch, AWS_ENDPOINT_URL=endpoint, REPLY_DEADLINE_MS="300")
    edge.open(ACCOUNTS)
    projector = resources(APPLICATION, "AWS::Serverless::Function")["Projector"]["Properties"]
    mapping = StreamMapping(
        projector["Events"]["Journal"]["Properties"],
        lambda event: edge.projector.handler(event, Context()),
    )
    users = Users(edge, rng, storm)
    strike_at = {requests * (number + 1) // (strikes + 1) for number in range(strikes)}
    set_rules(endpoint, RULES)
    for number in range(requests):
        users.act()
        if number in strike_at:
            weather.strike()
        weather.wake()
        if number % _PROJECT_EVERY == 0:
            mapping.run(edge.stream.read())
    weather.wake(at_once=True)
    storm.faults = faults_fired(endpoint)
    set_rules(endpoint, [])
    storm.records = wait_until_done(rig, set().union(*storm.accepted.values()))
    mapping.run(edge.stream.read())
    weather.stop()
    storm.given_up = mapping.discarded
    rebuild = edge.rebuild()
    rebuild.catch_up()
    storm.differences = [
        f"{one.kind} {one.table} {one.key} {one.fields}" for one in rebuild.differences(looks=1)
    ]
    return storm


def check_edge_storm(storm: EdgeStorm) -> None:
    """Each accepted command once, in its account's order; tables that are what a rebuild gives."""
    decided = decisions(storm.records)
    for names in storm.accepted.values():
        sequences = [decided[name] for name in names]
        assert sequences == sorted(set(sequences)), "an account's order was not kept"
    assert storm.given_up == []
    assert storm.differences == []
