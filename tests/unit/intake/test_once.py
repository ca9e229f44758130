"""What must happen once: sent word for word again while it is open, and never after it is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bursa.intake.once import CommandBuilder, OnceIntake, RequestRecord
from bursa.intake.outcomes import CommandOutcome
from bursa.intake.submission import CommandHeader, Pending, Submission, SubmitOptions
from bursa.kernel.errors import Refused, Unavailable
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, TenantId
from wire import codec
from wire import layout as w
from wire.codec import Command, decode_commands
from wire.events import Result

ALICE = AccountId(TenantId(1), 1)


@dataclass
class FakeRecords:
    known: dict[str, RequestRecord] = field(default_factory=dict)

    def find_or_add(self, tenant: TenantId, name: str, now_ms: int) -> RequestRecord:
        return self.known.setdefault(f"{tenant}/{name}", RequestRecord(now_ms, done=False))

    def mark_done(self, tenant: TenantId, name: str) -> None:
        name = f"{tenant}/{name}"
        self.known[name] = replace(self.known[name], done=True)


@dataclass
class FakeIntake:
    reason: int = w.REASON_ACCEPTED
    detail: int = 0
    replies: bool = True
    now: int = 1_000
    sent: list[Submission] = field(default_factory=list)

    def now_ms(self) -> int:
        self.now += 1
        return self.now

    def submit(
        self, submission: Submission, options: SubmitOptions
    ) -> Sequence[CommandOutcome] | Pending:
        assert options.wait
        self.sent.append(submission)
        if not self.replies:
            return Pending(options.request_key)
        return [outcome(command, self.reason, self.detail) for command in commands(submission)]


def commands(submission: Submission) -> list[Command]:
    return list(decode_commands(b"".join(submission.commands)))


def outcome(command: Command, reason: int, detail: int) -> CommandOutcome:
    words: dict[str, Any] = dict.fromkeys(Result._fields, 0)
    words |= {"command_kind": command.kind, "reason": reason, "detail": detail}
    return CommandOutcome(Result(**words))


def credit(header: CommandHeader) -> bytes:
    return codec.encode_funds(w.COMMAND_CREDIT, ALICE.number, 1, 5, **header.words())


OPERATOR = Actor(ActorKind.OPERATOR, 7)
GIFT: Sequence[CommandBuilder] = (credit, credit)


def test_every_command_has_an_id_of_its_own_and_the_time_of_the_first_request() -> None:
    intake = FakeIntake()
    OnceIntake(intake, FakeRecords(), OPERATOR).submit_once(ALICE, "credit", "gift", GIFT)
    sent = commands(intake.sent[0])
    assert len({(command.id_high, command.id_low) for command in sent}) == len(sent) == 2
    assert {command.time_ms for command in sent} == {1_001}


def test_a_request_that_is_done_is_not_sent_again() -> None:
    intake, records = FakeIntake(), FakeRecords()
    for _ in range(2):
        OnceIntake(intake, records, OPERATOR).submit_once(ALICE, "credit", "gift", GIFT)
    assert len(intake.sent) == 1


def test_an_unanswered_request_is_repeated_word_for_word() -> None:
    intake, records = FakeIntake(replies=False), FakeRecords()
    with pytest.raises(Unavailable, match="worker"):
        OnceIntake(intake, records, OPERATOR).submit_once(ALICE, "credit", "gift", GIFT)
    intake.replies = True
    OnceIntake(intake, records, OPERATOR).submit_once(ALICE, "credit", "gift", GIFT)
    first, second = intake.sent
    assert first == second


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((ALICE, "credit", "second gift"), id="key"),
        pytest.param((ALICE, "bonus", "gift"), id="kind"),
        pytest.param((AccountId(TenantId(1), 2), "credit", "gift"), id="account"),
    ],
)
def test_another_name_is_another_request(other: tuple[AccountId, str, str]) -> None:
    intake, records = FakeIntake(), FakeRecords()
    for account, kind, key in ((ALICE, "credit", "gift"), other):
        OnceIntake(intake, records, OPERATOR).submit_once(account, kind, key, GIFT)
    ids = {(command.id_high, command.id_low) for sent in intake.sent for command in commands(sent)}
    assert len(ids) == 4


@pytest.mark.parametrize(
    "reason",
    [w.REASON_ALREADY_DEFINED, w.REASON_DUPLICATE_COMMAND],
    ids=lambda reason: w.REASON_NAMES[reason],
)
def test_what_is_there_already_counts_as_done(reason: int) -> None:
    records = FakeRecords()
    once = OnceIntake(FakeIntake(reason=reason), records, OPERATOR)
    once.submit_once(ALICE, "credit", "gift", GIFT)
    assert [record.done for record in records.known.values()] == [True]


@pytest.mark.parametrize(
    "reason",
    [w.REASON_COMMAND_TOO_OLD, w.REASON_SUPPLY_LIMIT, w.REASON_INVALID_SETTING],
    ids=lambda reason: w.REASON_NAMES[reason],
)
def test_a_refusal_is_raised_and_the_request_stays_open(reason: int) -> None:
    records = FakeRecords()
    once = OnceIntake(FakeIntake(reason=reason), records, OPERATOR)
    with pytest.raises(Refused) as refused:
        once.submit_once(ALICE, "credit", "gift", GIFT)
    assert refused.value.code == w.REASON_NAMES[reason]
    assert [record.done for record in records.known.values()] == [False]


def test_a_repeat_of_what_was_refused_is_refused_with_the_first_reason() -> None:
    intake = FakeIntake(reason=w.REASON_DUPLICATE_COMMAND, detail=w.REASON_SUPPLY_LIMIT)
    records = FakeRecords()
    with pytest.raises(Refused) as refused:
        OnceIntake(intake, records, OPERATOR).submit_once(ALICE, "credit", "gift", GIFT)
    assert refused.value.code == w.REASON_NAMES[w.REASON_SUPPLY_LIMIT]
    assert [record.done for record in records.known.values()] == [False]


def test_every_command_names_who_runs_the_tool() -> None:
    intake = FakeIntake()
    OnceIntake(intake, FakeRecords(), OPERATOR).submit_once(ALICE, "credit", "gift", GIFT)
    assert {command.actor for command in commands(intake.sent[0])} == {OPERATOR.word}
