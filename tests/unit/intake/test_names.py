"""Where a reply is kept: under the order's name only where it is the order of that name."""

import pytest

from bursa.intake.message import CommandMessage
from bursa.intake.names import order_command_id, order_message_id, reply_name
from bursa.kernel.identifiers import AccountId, CommandId, TenantId
from wire import codec
from wire.digests import request_digest

ALICE, BOB = AccountId(TenantId(1), 1), AccountId(TenantId(1), 2)
MINE = order_command_id(ALICE, "mine")


def place(quantity: int = 1, command_id: CommandId = MINE) -> bytes:
    name = (command_id.high, command_id.low)
    return codec.encode_place(
        ALICE.number, 1, 0, price=5, quantity=quantity, command_id=name, time_ms=quantity
    )


def message(name: CommandId, *commands: bytes) -> CommandMessage:
    digest = request_digest(commands)
    data = b"".join(commands)
    return CommandMessage(
        name.hex(), ALICE.number, data, {0: "mine"}, reply=True, request_digest=digest
    )


def named(*commands: bytes, command_id: CommandId = MINE, reply: bool = True) -> CommandId:
    return order_message_id(command_id, request_digest(commands), reply=reply)


def test_an_order_that_was_decided_is_replied_to_under_its_commands_id() -> None:
    sent = message(named(place()), place())
    assert reply_name(sent, decided=True) == MINE.hex()
    assert reply_name(sent, decided=False) == sent.message_id


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(message(CommandId(1, 2), place()), id="a request with a key"),
        pytest.param(message(MINE, place(2)), id="an order of functions before this version"),
        pytest.param(message(named(place()), place(2)), id="another order"),
        pytest.param(message(named(place()), place(), place(2)), id="a batch"),
        pytest.param(message(named(place()), place(1, CommandId(3, 4))), id="another id"),
        pytest.param(message(named(place(), reply=False), place()), id="nobody waits"),
    ],
)
def test_any_other_message_is_replied_to_under_its_own(sent: CommandMessage) -> None:
    for decided in (True, False):
        assert reply_name(sent, decided=decided) == sent.message_id


def test_a_messages_name_follows_from_all_that_is_asked_for_and_from_no_time() -> None:
    later = codec.encode_place(
        ALICE.number, 1, 0, price=5, quantity=1, command_id=(MINE.high, MINE.low), time_ms=99
    )
    assert named(later) == named(place())
    names = {named(place()), named(place(2)), named(place(), reply=False)}
    names |= {named(place(), command_id=order_command_id(BOB, "mine"))}
    assert len(names) == 4
