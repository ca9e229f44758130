"""What the daily run asks the engine for, by the queue that only trusted senders have."""

from typing import Final

from bursa.intake.once import AskedAt, CommandBuilder, OnceIntake, Submitter
from bursa.intake.submission import CommandHeader
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, TenantId
from wire import codec
from wire import layout as w

KIND: Final = "fee-tier"
_ACTOR: Final = "fee-tiers"


def _nothing(account: AccountId) -> CommandBuilder:
    """Return what leaves all settings of an account as they are, and is a record all the same."""
    return tier_command(account, w.SETTING_KEPT)


def tier_command(account: AccountId, tier: int) -> CommandBuilder:
    """Return what sets an account's fee tier, and leaves its group and state as they are."""

    def build(header: CommandHeader) -> bytes:
        kept = w.SETTING_KEPT
        return codec.encode(
            w.COMMAND_SET_ACCOUNT, account.number, tier, kept, kept, **header.words()
        )

    return build


class TierCommands:
    """Sets fee tiers; each time under a name of its own, because a tier may be set again."""

    def __init__(self, intake: Submitter) -> None:
        self._intake = intake

    def set_tier(self, account: AccountId, tier: int) -> None:
        """Have an account's fee tier set, and nothing else of it.

        Raises `Refused` with the engine's reason, and `Unavailable`: it may have been set.
        """
        self._submit(account, str(tier), tier_command(account, tier))

    def do_nothing(self, tenant: TenantId) -> None:
        """Have a tenant's shard commit a record that changes nothing; raises as `set_tier` does."""
        account = tenant.fee_account
        self._submit(account, "nothing", _nothing(account))

    def _submit(self, account: AccountId, name: str, command: CommandBuilder) -> None:
        at_ms = self._intake.now_ms()
        actor = Actor.named(ActorKind.OPERATOR, str(account.tenant), _ACTOR)
        once = OnceIntake(self._intake, AskedAt(at_ms), actor)
        once.submit_once(account, KIND, f"{at_ms}/{name}", [command])
