"""Who may do what in a tenant's back office: one table, read by whatever asks.

A person has one role, or none. It is a group of the tenant's own user pool, so it comes with the
verified token and with nothing that a caller could write.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

# How the groups of a user pool that are roles begin; others are the tenant's own business.
GROUP_PREFIX: Final = "bursa-"


class Role(StrEnum):
    """What a person is in a tenant's back office."""

    OWNER = "owner"
    COMPLIANCE = "compliance"
    FINANCE = "finance"
    SUPPORT = "support"
    AUDITOR = "auditor"
    # Reads for a time that was set; whatever it reads is in the audit log.
    REGULATOR = "regulator"


class Action(StrEnum):
    """What can be done in a back office; each of its routes is one."""

    SEE_OWN_ROLE = "see_own_role"
    READ_AUDIT_LOG = "read_audit_log"
    READ_USERS = "read_users"
    END_SESSIONS = "end_sessions"
    READ_API_KEYS = "read_api_keys"
    REVOKE_API_KEYS = "revoke_api_keys"
    READ_MARKETS = "read_markets"
    SET_MARKET_STATE = "set_market_state"
    FREEZE_ACCOUNTS = "freeze_accounts"
    UNFREEZE_ACCOUNTS = "unfreeze_accounts"
    CREDIT = "credit"
    DEBIT = "debit"
    SET_FEES = "set_fees"
    SET_ROLES = "set_roles"
    SET_FOUR_EYES = "set_four_eyes"
    READ_PROPOSALS = "read_proposals"
    DECIDE_PROPOSALS = "decide_proposals"
    READ_CASES = "read_cases"
    READ_PERSONAL_DATA = "read_personal_data"
    DECIDE_CASES = "decide_cases"
    LOWER_LEVELS = "lower_levels"
    REOPEN_CASES = "reopen_cases"
    ERASE_USERS = "erase_users"
    # Money and markets.
    READ_STATEMENTS = "read_statements"
    READ_REPORTS = "read_reports"
    SET_MARKET_LIMITS = "set_market_limits"
    LIST_MARKETS = "list_markets"
    READ_FEE_TIERS = "read_fee_tiers"
    SET_FEE_TIERS = "set_fee_tiers"
    PIN_FEE_TIERS = "pin_fee_tiers"
    READ_ACCOUNT_LIMITS = "read_account_limits"
    SET_ACCOUNT_LIMITS = "set_account_limits"


_EVERYBODY: Final = frozenset(Role)
_WHO_MEETS_USERS: Final = _EVERYBODY - {Role.FINANCE}
# What a row lacks, nobody but the operator of the deployment may do, by the command line.
PERMITTED: Final[Mapping[Action, frozenset[Role]]] = {
    Action.SEE_OWN_ROLE: _EVERYBODY,
    Action.READ_AUDIT_LOG: frozenset(
        {Role.OWNER, Role.COMPLIANCE, Role.AUDITOR, Role.REGULATOR},
    ),
    Action.READ_USERS: _EVERYBODY,
    Action.END_SESSIONS: frozenset({Role.OWNER, Role.COMPLIANCE, Role.SUPPORT}),
    Action.READ_API_KEYS: _WHO_MEETS_USERS,
    Action.REVOKE_API_KEYS: frozenset({Role.OWNER, Role.COMPLIANCE, Role.SUPPORT}),
    Action.READ_MARKETS: _EVERYBODY,
    Action.SET_MARKET_STATE: frozenset({Role.OWNER, Role.COMPLIANCE}),
    Action.FREEZE_ACCOUNTS: frozenset({Role.OWNER, Role.COMPLIANCE, Role.SUPPORT}),
    Action.UNFREEZE_ACCOUNTS: frozenset({Role.OWNER, Role.COMPLIANCE}),
    Action.CREDIT: frozenset({Role.OWNER, Role.FINANCE}),
    Action.DEBIT: frozenset({Role.OWNER, Role.FINANCE}),
    Action.SET_FEES: frozenset({Role.OWNER, Role.FINANCE}),
    Action.SET_ROLES: frozenset({Role.OWNER}),
    Action.SET_FOUR_EYES: frozenset({Role.OWNER}),
    Action.READ_PROPOSALS: _EVERYBODY - {Role.SUPPORT},
    # Beside that, whoever decides must be permitted what was proposed.
    Action.DECIDE_PROPOSALS: frozenset({Role.OWNER, Role.COMPLIANCE, Role.FINANCE}),
    # Hits are in them, of which users, and whoever talks to them, must not learn.
    Action.READ_CASES: frozenset({Role.COMPLIANCE, Role.AUDITOR, Role.REGULATOR}),
    Action.READ_PERSONAL_DATA: frozenset({Role.COMPLIANCE}),
    Action.DECIDE_CASES: frozenset({Role.COMPLIANCE}),
    Action.LOWER_LEVELS: frozenset({Role.COMPLIANCE}),
    Action.REOPEN_CASES: frozenset({Role.COMPLIANCE}),
    Action.ERASE_USERS: frozenset({Role.COMPLIANCE}),
    # Money and markets.
    Action.READ_STATEMENTS: _EVERYBODY - {Role.SUPPORT},
    Action.READ_REPORTS: _EVERYBODY - {Role.SUPPORT},
    Action.SET_MARKET_LIMITS: frozenset({Role.OWNER, Role.COMPLIANCE}),
    Action.LIST_MARKETS: frozenset({Role.OWNER, Role.COMPLIANCE}),
    Action.READ_FEE_TIERS: _EVERYBODY,
    Action.SET_FEE_TIERS: frozenset({Role.OWNER, Role.FINANCE}),
    Action.PIN_FEE_TIERS: frozenset({Role.OWNER, Role.FINANCE}),
    Action.READ_ACCOUNT_LIMITS: _EVERYBODY,
    Action.SET_ACCOUNT_LIMITS: frozenset({Role.OWNER, Role.COMPLIANCE}),
}
# The others change something: whoever asks gives a reason.
READS: Final = frozenset(
    {
        Action.SEE_OWN_ROLE,
        Action.READ_AUDIT_LOG,
        Action.READ_USERS,
        Action.READ_API_KEYS,
        Action.READ_MARKETS,
        Action.READ_PROPOSALS,
        Action.READ_CASES,
        Action.READ_PERSONAL_DATA,
        Action.READ_STATEMENTS,
        Action.READ_REPORTS,
        Action.READ_FEE_TIERS,
        Action.READ_ACCOUNT_LIMITS,
    }
)
# What always takes a second person; credits and debits do above the tenant's amount.
SENSITIVE: Final = frozenset(
    {
        Action.UNFREEZE_ACCOUNTS,
        Action.SET_FEES,
        Action.SET_ROLES,
        Action.SET_FOUR_EYES,
        Action.SET_MARKET_LIMITS,
        Action.LIST_MARKETS,
        Action.SET_FEE_TIERS,
        Action.PIN_FEE_TIERS,
        Action.SET_ACCOUNT_LIMITS,
    }
)
SENSITIVE_ABOVE_AN_AMOUNT: Final = frozenset({Action.CREDIT, Action.DEBIT})
# What nobody does to themself, whoever approves it.
NEVER_ONESELF: Final = frozenset(
    {
        Action.UNFREEZE_ACCOUNTS,
        Action.CREDIT,
        Action.DEBIT,
        Action.SET_ROLES,
        Action.PIN_FEE_TIERS,
        Action.SET_ACCOUNT_LIMITS,
        Action.DECIDE_CASES,
        Action.REOPEN_CASES,
        Action.ERASE_USERS,
    }
)


def group_of(role: Role) -> str:
    """Return the name of a role's group in a user pool."""
    return f"{GROUP_PREFIX}{role}"


def role_of(groups: Iterable[str]) -> Role | None:
    """Return the role that a token's groups are; None for none.

    Also for more than one: who is two is nobody, because rights that are kept apart must not meet
    in one person by a mistake.
    """
    named = {group.removeprefix(GROUP_PREFIX) for group in groups if group.startswith(GROUP_PREFIX)}
    known = [role for role in Role if role in named]
    return known[0] if len(known) == 1 else None


def may(role: Role, action: Action) -> bool:
    """Return whether a role may do something."""
    return role in PERMITTED[action]
