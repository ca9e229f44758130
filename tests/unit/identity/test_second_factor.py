"""The second factor: set up, asked for, removed; guessed, used twice, out of time."""

from base64 import b32encode

import pytest

from bursa.aws.clients import kms_client
from bursa.identity.codes_cryptography import code_of
from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.seals_kms import Seals
from bursa.identity.second_factor import (
    ATTEMPTS_MAX,
    ATTEMPTS_WINDOW_S,
    SETUPS_MAX,
    SETUPS_WINDOW_S,
    STEP_S,
    SecondFactor,
)
from bursa.identity.second_factor_dynamodb import FactorsTable
from bursa.identity.security_events import (
    PAUSING,
    PauseLengths,
    SecurityEvent,
    SecurityEventKind,
    SecurityEvents,
)
from bursa.identity.security_events_dynamodb import SecurityEventsTable
from bursa.kernel.errors import BursaError, Conflict, TooManyRequests, Unavailable
from bursa.kernel.identifiers import TenantId
from tests.doubles.exchange import ALICE, CREDENTIALS_KEY, NOON_MS, TENANT, Exchange

SECRET = b"a secret of 20 bytes"
PAUSE_MS = 86_400_000
ADDRESS = "198.51.100.7"


class Clock:
    def __init__(self) -> None:
        self.time_ms = NOON_MS

    def now_ms(self) -> int:
        return self.time_ms

    def monotonic_ms(self) -> float:
        return self.time_ms

    def sleep_ms(self, duration_ms: float) -> None:
        self.time_ms += int(duration_ms)


class Authenticators:
    """Cognito's side: remembers what it was asked, and can be away."""

    def __init__(self, secret: bytes = SECRET) -> None:
        self.secret = secret
        self.is_away = False
        self.is_right = True
        self.is_on = False
        self.made = 0

    def associate(self, token: str) -> str:
        self._reach()
        self.made += 1
        return b32encode(self.secret).decode().rstrip("=")

    def verify(self, token: str, code: str) -> bool:
        self._reach()
        return self.is_right

    def prefer(self, token: str, *, is_on: bool) -> None:
        self._reach()
        self.is_on = is_on

    def _reach(self) -> None:
        if self.is_away:
            raise Unavailable("user_pool_unavailable", "Later.")


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.pool = Authenticators()
        models = IdentityModels("identity")
        self.events = SecurityEvents(SecurityEventsTable(models), lambda _: PAUSE_MS)
        self.factor = SecondFactor(
            FactorsTable(models),
            self.pool,
            code_of,
            Seals(kms_client, CREDENTIALS_KEY, self.clock),
            self.events,
            self.clock,
        )

    def code(self, steps: int = 0, secret: bytes = SECRET) -> str:
        return code_of(secret, self.clock.time_ms // 1_000 // STEP_S + steps)

    def require(self, code: str, user: str = "alice") -> str:
        """Return why a code is not taken; empty when it is."""
        try:
            self.factor.require(principal(user), code)
        except BursaError as error:
            return error.code
        return ""

    def set_up(self) -> None:
        self.factor.begin(principal(), "token", "Demo")
        self.factor.confirm(principal(), "token", self.code(), ADDRESS)
        self.clock.time_ms += STEP_S * 1_000


def principal(user: str = "alice", method: SignInMethod = SignInMethod.USER_POOL) -> Principal:
    return Principal(ALICE, user, USER_SCOPES, method, NOON_MS, NOON_MS // 1_000)


@pytest.fixture
def world(exchange: Exchange) -> World:
    return World()


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, SHA-1; its codes have eight digits, whose last six are ours."""
    secret = b"12345678901234567890"
    codes = {
        59: "287082",
        1_111_111_109: "081804",
        1_234_567_890: "005924",
        20_000_000_000: "353130",
    }
    assert {time_s: code_of(secret, time_s // STEP_S) for time_s in codes} == codes


def test_it_is_required_once_it_is_confirmed(world: World) -> None:
    assert world.require("123456") == "second_factor_required"
    setup = world.factor.begin(principal(), "token", "Demo & Co")
    assert setup.uri.startswith("otpauth://totp/Demo%20%26%20Co:t1-1?secret=")
    assert setup.uri.endswith(f"{setup.secret}&issuer=Demo%20%26%20Co")
    assert world.require(world.code()) == "second_factor_required"
    assert world.factor.since_ms(principal()) == 0

    world.factor.confirm(principal(), "token", world.code(), ADDRESS)

    assert world.pool.is_on
    assert world.factor.since_ms(principal()) == NOON_MS
    world.clock.time_ms += STEP_S * 1_000
    assert world.require(world.code()) == ""
    [event] = world.events.of(TENANT, "alice")
    assert (event.kind, event.address) == ("second_factor_added", ADDRESS)
    pause = world.events.pause(ALICE)
    assert pause is not None
    assert pause.until_ms == NOON_MS + PAUSE_MS


def test_what_was_begun_while_a_code_was_verified_is_never_required_instead(world: World) -> None:
    """Whoever holds a token begins another one between the code and the end of it."""
    world.factor.begin(principal(), "token", "Demo")
    prefer = world.pool.prefer

    def begin_another(token: str, *, is_on: bool) -> None:
        prefer(token, is_on=is_on)
        world.factor.begin(principal(), "stolen", "Demo")

    world.pool.prefer = begin_another  # type: ignore[method-assign]
    with pytest.raises(Conflict) as refused:
        world.factor.confirm(principal(), "token", world.code(), ADDRESS)
    assert refused.value.code == "second_factor_changed"
    assert world.factor.since_ms(principal()) == 0
    assert world.events.of(TENANT, "alice") == []


class Saying:
    """A tenant that says how long withdrawals wait."""

    def __init__(self, seconds: int | None) -> None:
        self.seconds = seconds

    def withdrawal_pause_s(self, _tenant: TenantId) -> int | None:
        return self.seconds


@pytest.mark.parametrize(
    ("said_s", "pause_ms"), [(None, PAUSE_MS), (3_600, 3_600_000), (0, 0)], ids=str
)
def test_a_pause_is_as_long_as_the_tenant_says(
    exchange: Exchange, said_s: int | None, pause_ms: int
) -> None:
    records = SecurityEventsTable(IdentityModels("identity"))
    events = SecurityEvents(records, PauseLengths(Saying(said_s), PAUSE_MS))
    kind = SecurityEventKind.API_KEY_MADE
    events.record(SecurityEvent(kind, ALICE, "alice", NOON_MS, ADDRESS))
    pause = events.pause(ALICE)
    assert pause is not None
    assert pause.until_ms == NOON_MS + pause_ms


def test_a_later_event_never_makes_a_pause_shorter(exchange: Exchange) -> None:
    records, tenant = SecurityEventsTable(IdentityModels("identity")), Saying(None)
    events = SecurityEvents(records, PauseLengths(tenant, PAUSE_MS))
    for at_ms, kind in enumerate(sorted(PAUSING), NOON_MS):
        events.record(SecurityEvent(kind, ALICE, "alice", at_ms, ADDRESS))
        tenant.seconds = 60
        pause = events.pause(ALICE)
        assert pause is not None
        assert pause.until_ms == NOON_MS + PAUSE_MS


def test_the_secret_is_sealed(world: World, exchange: Exchange) -> None:
    world.set_up()
    [item] = [
        item
        for item in exchange._dynamodb.scan(TableName="identity")["Items"]
        if item["sk"]["S"] == "second-factor"
    ]
    assert SECRET not in item["sealed"]["B"]
    assert b32encode(SECRET) not in item["sealed"]["B"]
    assert item["pk"] == {"S": "t1#alice"}


REFUSED = {
    "five digits": ("12345", "invalid_code"),
    "letters": ("12345a", "invalid_code"),
    "other digits": ("\u0661" * 6, "invalid_code"),
    "a line end": ("123456\n", "invalid_code"),
    "nothing": ("", "invalid_code"),
    "another": ("000000", "wrong_code"),
}


@pytest.mark.parametrize(("code", "expected"), REFUSED.values(), ids=REFUSED)
def test_other_codes_are_refused(world: World, code: str, expected: str) -> None:
    world.set_up()
    assert world.code() != code
    assert world.require(code) == expected


def test_a_code_is_good_around_its_half_minute_and_once(world: World) -> None:
    world.set_up()
    world.clock.time_ms += 10 * STEP_S * 1_000
    assert world.require(world.code(-2)) == "wrong_code"
    assert world.require(world.code(2)) == "wrong_code"
    assert world.require(world.code(-1)) == ""
    assert world.require(world.code(-1)) == "code_used"
    assert world.require(world.code(1)) == ""
    # One that is older than the last used may have been seen by then.
    assert world.require(world.code()) == "code_used"


def test_the_code_that_confirmed_it_is_used(world: World) -> None:
    world.factor.begin(principal(), "token", "Demo")
    code = world.code()
    world.factor.confirm(principal(), "token", code, ADDRESS)
    assert world.require(code) == "code_used"


def test_a_guesser_has_few_attempts_an_hour(world: World) -> None:
    world.set_up()
    wrong = [world.require("000000") for _ in range(ATTEMPTS_MAX + 3)]
    assert wrong == ["wrong_code"] * ATTEMPTS_MAX + ["too_many_codes"] * 3
    assert world.require(world.code()) == "too_many_codes"
    assert world.require("000000", user="bob") == "second_factor_required"
    world.clock.time_ms += ATTEMPTS_WINDOW_S * 1_000
    assert world.require(world.code()) == ""


def test_a_right_code_forgives_wrong_ones(world: World) -> None:
    world.set_up()
    for _ in range(3):
        for _ in range(ATTEMPTS_MAX - 1):
            assert world.require("000000") == "wrong_code"
        assert world.require(world.code()) == ""
        world.clock.time_ms += STEP_S * 1_000


def test_beginning_anew_is_no_way_to_guess_more(world: World) -> None:
    world.factor.begin(principal(), "token", "Demo")
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(BursaError, match="shows now"):
            world.factor.confirm(principal(), "token", "000000", ADDRESS)
    world.factor.begin(principal(), "token", "Demo")
    with pytest.raises(BursaError, match="too many codes"):
        world.factor.confirm(principal(), "token", world.code(), ADDRESS)


def test_a_flood_of_beginnings_costs_the_pool_a_few_calls(world: World) -> None:
    """The pool's calls are counted for all pools of a region: one user must not use them up."""
    for _ in range(SETUPS_MAX):
        world.factor.begin(principal(), "token", "Demo")
    for _ in range(125):
        with pytest.raises(TooManyRequests) as caught:
            world.factor.begin(principal(), "token", "Demo")
        assert caught.value.code == "too_many_setups"
        assert caught.value.retry_after_s == SETUPS_WINDOW_S
    assert world.pool.made == SETUPS_MAX

    world.factor.begin(principal("bob"), "token", "Demo")
    world.clock.time_ms += SETUPS_WINDOW_S * 1_000
    world.factor.begin(principal(), "token", "Demo")
    world.factor.confirm(principal(), "token", world.code(), ADDRESS)
    assert world.factor.since_ms(principal())


def test_what_the_pool_never_made_is_none_that_is_being_set_up(world: World) -> None:
    world.pool.is_away = True
    with pytest.raises(Unavailable):
        world.factor.begin(principal(), "token", "Demo")
    assert world.factor.since_ms(principal()) == 0
    with pytest.raises(BursaError) as caught:
        world.factor.confirm(principal(), "token", world.code(), ADDRESS)
    assert caught.value.code == "no_second_factor"


def test_who_holds_a_token_can_not_replace_it(world: World) -> None:
    """At Cognito a token is enough to set up another authenticator; here it is not."""
    world.set_up()
    with pytest.raises(BursaError) as caught:
        world.factor.begin(principal(), "token", "Demo")
    assert caught.value.code == "second_factor_exists"
    thiefs = b"another secret, theirs"
    world.pool.secret = thiefs
    assert world.require(world.code(secret=thiefs)) == "wrong_code"


def test_removing_it_needs_a_code(world: World) -> None:
    world.set_up()
    with pytest.raises(BursaError) as caught:
        world.factor.remove(principal(), "token", "000000", ADDRESS)
    assert caught.value.code == "wrong_code"
    world.factor.remove(principal(), "token", world.code(), ADDRESS)
    assert not world.pool.is_on
    assert world.require(world.code(1)) == "second_factor_required"
    kinds = [event.kind.value for event in world.events.of(TENANT, "alice")]
    assert kinds == ["second_factor_removed", "second_factor_added"]


@pytest.mark.parametrize("what", ["away", "wrong"])
def test_without_the_user_pool_nothing_is_required(world: World, what: str) -> None:
    """It is never required of a user whom the pool does not ask."""
    world.factor.begin(principal(), "token", "Demo")
    world.pool.is_away, world.pool.is_right = what == "away", what != "wrong"
    with pytest.raises(BursaError):
        world.factor.confirm(principal(), "token", world.code(), ADDRESS)
    assert world.factor.since_ms(principal()) == 0


def test_a_key_has_no_second_factor(world: World) -> None:
    key = principal(method=SignInMethod.API_KEY)
    for attempt in (
        lambda: world.factor.begin(key, "token", "Demo"),
        lambda: world.factor.confirm(key, "token", "123456", ADDRESS),
        lambda: world.factor.require(key, "123456"),
    ):
        with pytest.raises(BursaError) as caught:
            attempt()
        assert caught.value.code == "token_required"
