"""Where the rest of auth orders mails."""

from auth.mail.letters import Kind
from auth.mail.orders import MailOrders
from auth.mail.postman import Postman
from core.clock import Clock


class Post:
    """Orders mails and wakes the postman of this process."""

    def __init__(self, orders: MailOrders, postman: Postman, clock: Clock) -> None:
        self._orders = orders
        self._postman = postman
        self._clock = clock

    async def order(self, kind: Kind, recipient: str, *, user_id: str | None = None) -> None:
        """One INSERT, whoever the address belongs to: how long this takes tells nothing.

        With `user_id` the mail goes to `recipient` in that person's name; without, to the account that has
        the address, if there is one. Raises Unavailable.
        """
        await self._orders.add(kind, recipient, self._clock.now(), user_id=user_id)
        self._postman.hurry()
