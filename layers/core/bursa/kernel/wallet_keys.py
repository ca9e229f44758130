"""Every key in the tables of the wallets, and nowhere else; those of other tables are in `keys`.

A partition key begins with the tenant or the account, as there. A chain belongs to no tenant, and
what is set for all tenants belongs to the deployment.

    table       partition key               sort key                what
    wallets     <account>#deposits          <network>:<transaction>:<position>  a deposit
    wallets     <account>#withdrawals       <withdrawal id>         a withdrawal
    wallets     <owner>#withdrawals         address-book            where the user withdraws to
    wallets     <tenant>#withdrawn          <subject>#<period>      what was withdrawn in a time
    wallets     <tenant> or deployment      wallet-stops            what stands still
    wallets     chain#<chain>               watched                 up to which block it was read
    signer      <account>#signings          <withdrawal id>         what was signed for it
    signer      <tenant>#claims#<chain>     <sender>                its nonces
    signer      <tenant>#claims#<chain>     locked-outputs          outputs that are to be spent
    signer      chain#<chain>               signer-epoch            the latest term of who asks

Indexes, whose keys are attributes of the row:

    wallets-open  <tenant>#deposits#<chain>     first seen (N)   deposits on their way
    wallets-open  <tenant>#withdrawals#<chain>  requested (N)    withdrawals on their way
"""

from typing import Final

from bursa.kernel.identifiers import AccountId, TenantId

WALLETS_OPEN: Final = "wallets-open"
ADDRESS_BOOK: Final = "address-book"
WALLET_STOPS: Final = "wallet-stops"
WATCHED: Final = "watched"
SIGNER_EPOCH: Final = "signer-epoch"
LOCKED_OUTPUTS: Final = "locked-outputs"


def deposits(account: AccountId) -> str:
    """Partition of an account's deposits."""
    return f"{account}#deposits"


def open_deposits(tenant: TenantId, chain: str) -> str:
    """Key of the index: a tenant's deposits on a chain that have not come to an end."""
    return f"{tenant}#deposits#{chain}"


def withdrawals(account: AccountId) -> str:
    """Partition of an account's withdrawals."""
    return f"{account}#withdrawals"


def open_withdrawals(tenant: TenantId, chain: str) -> str:
    """Key of the index: a tenant's withdrawals on a chain that have not come to an end."""
    return f"{tenant}#withdrawals#{chain}"


def withdrawn(tenant: TenantId) -> str:
    """Partition of a tenant's counts of what was withdrawn."""
    return f"{tenant}#withdrawn"


def withdrawn_in(subject: str, period: int) -> str:
    """Sort key of what was withdrawn by a user, or from a wallet, in a month or an hour."""
    return f"{subject}#{period}"


def signings(account: AccountId) -> str:
    """Partition of what was signed for an account's withdrawals."""
    return f"{account}#signings"


def claims(tenant: TenantId, chain: str) -> str:
    """Partition of the nonces and outputs of a tenant's wallets on a chain."""
    return f"{tenant}#claims#{chain}"


def chain(name: str) -> str:
    """Partition of what belongs to a chain and no tenant."""
    return f"chain#{name}"
