"""Mails by SES, version 2 of its API.

What bounces or is complained about is left out by the deployment's configuration set: SES keeps the
list of such addresses.
"""

from email.header import Header
from email.utils import formataddr, parseaddr
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.notifications.notifier import Mail

if TYPE_CHECKING:
    from collections.abc import Callable


_WORD_MAX = 75


class SesMails:
    """See `bursa.notifications.notifier.Mails`.

    Parameters
    ----------
    open_client
        Called at the first mail.
    sender, sender_arn
        From which address, and the verified identity that it is of; empty: nothing is sent.
    configuration_set
        Of the deployment; empty for none.

    """

    def __init__(
        self,
        open_client: "Callable[[], Any]",
        sender: str,
        sender_arn: str,
        configuration_set: str,
    ) -> None:
        self._open_client = open_client
        self._address = parseaddr(sender)[1]
        self._sender_arn = sender_arn
        self._configuration_set = configuration_set

    def send(self, mail: Mail) -> bool:
        """Send a mail; return False where nothing is sent from. Raises `Unavailable`."""
        if not self._address:
            return False
        chosen = {
            "FromEmailAddressIdentityArn": self._sender_arn,
            "ConfigurationSetName": self._configuration_set,
        }
        body = f"{mail.text.body}\n\n{mail.brand}\n"
        with unavailable("mails_unavailable", "The same comes again."):
            self._client.send_email(
                FromEmailAddress=_mailbox(mail.brand, self._address),
                Destination={"ToAddresses": [mail.to]},
                Content={
                    "Simple": {
                        "Subject": {"Data": mail.text.title, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": body, "Charset": "UTF-8"}},
                    }
                },
                **{name: value for name, value in chosen.items() if value},
            )
        return True

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - there are no types for it in the lock
        return self._open_client()


def _mailbox(name: str, address: str) -> str:
    """Return a name and an address as a header has them.

    A name that is not ASCII is encoded, in words of 75 characters at most (RFC 2047, 2): a longer
    one is shown as it is encoded, or refused. `formataddr` makes a single word of any length.
    """
    if name.isascii():
        return formataddr((name, address))
    return f"{Header(name, 'utf-8').encode(linesep='', maxlinelen=_WORD_MAX)} <{address}>"
