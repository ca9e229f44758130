"""What users are told, in English. `wording` says what stands for what."""

from collections.abc import Mapping
from typing import Final

_KEEP: Final = (
    "If this was not you, change your password, end all sessions and write to us: ${help}"
)

WORDING: Final[Mapping[str, tuple[str, str]]] = {
    "security.account_closed": (
        "Your account is closed",
        "Your account was closed on ${time}, by a request from ${address}. " + _KEEP,
    ),
    "security.api_key_made": (
        "A new API key",
        "The API key ${about} was made on ${time}, by a request from ${address}. Withdrawals wait"
        " for a while. " + _KEEP,
    ),
    "security.api_key_revoked": (
        "An API key was revoked",
        "The API key ${about} was revoked on ${time}, by a request from ${address}. " + _KEEP,
    ),
    "security.email_changed": (
        "Your address was changed",
        "The address of your account was changed on ${time}. Withdrawals wait for a while. "
        + _KEEP,
    ),
    "security.identity_linked": (
        "A sign-in was linked",
        "Signing in with ${about} leads to your account since ${time}. Withdrawals wait for a"
        " while. " + _KEEP,
    ),
    "security.identity_unlinked": (
        "A sign-in was unlinked",
        "Signing in with ${about} does not lead to your account any more since ${time}. " + _KEEP,
    ),
    "security.new_device": (
        "A sign-in from a new device",
        "Somebody signed in to your account on ${time}, from ${address}. Withdrawals wait for a"
        " while. " + _KEEP,
    ),
    "security.password_changed": (
        "Your password was changed",
        "Your password was changed on ${time}. Withdrawals wait for a while. " + _KEEP,
    ),
    "security.second_factor_added": (
        "Your second factor is set up",
        "An authenticator was set up for your account on ${time}, by a request from ${address}."
        " Withdrawals wait for a while. " + _KEEP,
    ),
    "security.second_factor_removed": (
        "Your second factor was removed",
        "The authenticator of your account was removed on ${time}, by a request from ${address}."
        " Withdrawals wait for a while. " + _KEEP,
    ),
    "security.session_ended": (
        "A session was ended",
        "A session of yours was ended on ${time}, by a request from ${address}. " + _KEEP,
    ),
    "security.sign_in_factor_changed": (
        "How you sign in was changed",
        "The second factor of your sign-in was changed on ${time}. Withdrawals wait for a while. "
        + _KEEP,
    ),
    "security.signed_out_everywhere": (
        "You were signed out everywhere",
        "All your sessions were ended on ${time}, by a request from ${address}. " + _KEEP,
    ),
    "kyc.in_review": (
        "We are checking what you sent",
        "We have what you sent to show who you are, and look at it now. You need not do anything.",
    ),
    "kyc.more_needed": (
        "We need something more from you",
        (
            "Something of what you sent to show who you are could not be used. Open your account to"
            " see what, and send it again."
        ),
    ),
    "kyc.approved": (
        "You are verified",
        "What you sent was checked, and your account is at level ${level} now.",
    ),
    "kyc.rejected": (
        "You could not be verified",
        "What you sent to show who you are was not accepted. For questions write to us: ${help}",
    ),
    "kyc.expired": (
        "Your documents have expired",
        (
            "A document that showed who you are is no longer valid, so your account is at level"
            " ${level} now. Send a new one in your account."
        ),
    ),
    "kyc.renewal_due": (
        "Show again who you are",
        (
            "What showed who you are is good until ${renew_by}. Send it anew in your account before"
            " then; your account keeps its level until ${level_until}, and falls to a lower one"
            " without it."
        ),
    ),
    "transfer.credited": (
        "Your account was credited",
        "${amount} ${asset} was added to your account ${account} on ${time}.",
    ),
    "transfer.debited": (
        "Your account was debited",
        (
            "${amount} ${asset} left your account ${account} on ${time}. If you did not ask for"
            " it, write to us: ${help}"
        ),
    ),
    "transfer.moved": (
        "Your transfer was made",
        (
            "${amount} ${asset} was moved from account ${account} to account ${to} on ${time}. If"
            " you did not ask for it, write to us: ${help}"
        ),
    ),
    "fee_tier.changed": (
        "Your fees have changed",
        (
            "By the ${volume} ${currency} that you traded in the thirty days up to ${day}, your"
            " fees are those of tier ${tier} now; before, they were those of tier ${before}."
        ),
    ),
}
