"""Carries ordered mails: finds whom each is for, makes its link, and sends it."""

import asyncio
from datetime import timedelta
from typing import Final

from auth.accounts.addresses import lookup_form
from auth.accounts.one_time_links import LIFETIMES, OneTimeLinks, Purpose
from auth.accounts.repository import AccountRepository
from auth.accounts.tables import UserRow
from auth.mail.letters import Kind, Letter, write
from auth.mail.orders import MailOrders, Order
from auth.mail.senders import MailDelayed, MailRefused, MailSender
from core.clock import Clock
from core.errors import HeadraceError
from core.log import get_logger

log = get_logger(__name__)

# How soon an order of another process is seen; one's own is seen at once.
ROUND_SECONDS: Final = 2.0
AT_ONCE: Final = 8
FIRST_PAUSE: Final = timedelta(seconds=20)
LONGEST_PAUSE: Final = timedelta(hours=1)
GIVE_UP_AFTER: Final = timedelta(hours=24)

_PURPOSES: Final = {
    Kind.VERIFY_EMAIL: Purpose.VERIFY_EMAIL,
    Kind.RESET_PASSWORD: Purpose.RESET_PASSWORD,
    Kind.CHANGE_EMAIL: Purpose.CHANGE_EMAIL,
}


class Postman:
    """One loop a process. Orders are leased, so that each mail is sent by one of them."""

    def __init__(
        self,
        orders: MailOrders,
        accounts: AccountRepository,
        links: OneTimeLinks,
        sender: MailSender,
        clock: Clock,
        *,
        public_url: str,
    ) -> None:
        self._orders = orders
        self._accounts = accounts
        self._links = links
        self._sender = sender
        self._clock = clock
        self._public_url = public_url
        self._hurry = asyncio.Event()

    def hurry(self) -> None:
        """Something was ordered in this process."""
        self._hurry.set()

    async def run(self) -> None:
        """Rounds for ever; one that fails is logged, and the next tries again."""
        while True:
            try:
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            self._hurry.clear()
            try:
                while await self.round():
                    pass
            except HeadraceError as error:
                log.warning("mail.round_failed", code=error.code, detail=error.detail)

    async def round(self) -> bool:
        """Carry what is due; whether there may be more."""
        orders = await self._orders.take(self._clock.now(), AT_ONCE)
        await asyncio.gather(*(self._carry(order) for order in orders))
        return len(orders) == AT_ONCE

    async def _carry(self, order: Order) -> None:
        letter = await self._letter(order)
        if letter is None:
            await self._orders.done(order.id)
            return
        try:
            await self._sender.send(letter)
        except MailRefused as error:
            log.warning("mail.refused", kind=order.kind, order_id=order.id, reason=str(error))
        except MailDelayed as error:
            now = self._clock.now()
            if now - order.created_at < GIVE_UP_AFTER:
                pause = min(FIRST_PAUSE * 2 ** min(order.attempts - 1, 10), LONGEST_PAUSE)
                log.warning("mail.delayed", kind=order.kind, order_id=order.id, reason=str(error))
                await self._orders.later(order.id, now + pause)
                return
            log.error("mail.given_up", kind=order.kind, order_id=order.id, reason=str(error))
        else:
            log.info("mail.sent", kind=order.kind, order_id=order.id)
        await self._orders.done(order.id)

    async def _letter(self, order: Order) -> Letter | None:
        """What to send, or None where nobody should get it."""
        user = await self._addressee(order)
        if user is None:
            return None
        # The address as its owner gave it, not as somebody typed it who asked for this mail.
        recipient = user.email if order.user_id is None else order.recipient
        purpose = _PURPOSES.get(order.kind)
        token = None
        if purpose is not None:
            token = await self._links.make(user.id, purpose, recipient, self._clock.now())
        lasts = _words(LIFETIMES[purpose]) if purpose is not None else ""
        return write(
            order.kind,
            recipient,
            user.name,
            public_url=self._public_url,
            token=token,
            lasts=lasts,
            delete_at=user.delete_at,
        )

    async def _addressee(self, order: Order) -> UserRow | None:
        if order.user_id is not None:
            user = await self._accounts.by_id(order.user_id)
        else:
            user = await self._accounts.by_lookup(lookup_form(order.recipient))
        if user is None or not (user.active or order.kind is Kind.DELETION_ORDERED):
            return None
        if order.kind is Kind.VERIFY_EMAIL and user.verified:
            return None
        if order.kind in (Kind.DELETION_ASKED, Kind.DELETION_ORDERED) and user.delete_at is None:
            # It was taken back before we came to it.
            return None
        return user


def _words(lifetime: timedelta) -> str:
    minutes = int(lifetime.total_seconds() // 60)
    return f"{minutes // 60} hours" if minutes >= 120 else f"{minutes} minutes"
