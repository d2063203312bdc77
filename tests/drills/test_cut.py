"""A 200-event stream, cut at every index and resumed at another gateway process: the same bytes."""

import asyncio

import pytest

from tests.drills.conftest import Note
from tests.drills.follower import Told, follow, person_at
from tests.drills.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.drill]

# And the events that begin and end it: more than 200, unless some are joined.
WORDS = 200


async def test_a_stream_that_is_cut_anywhere_and_resumed_elsewhere_is_byte_identical(
    instance: Instance, note: Note
) -> None:
    async with instance.another_gateway() as one, instance.another_gateway() as other:
        here = await person_at(one)
        there = await person_at(other, here)
        try:
            conversation = await here.conversation()
            question = "[[slow]] [[echo]]" + " ".join(f"w{number}" for number in range(WORDS))
            turn = await here.begin(conversation, question)
            whole = Told()
            whole_there = Told()

            async def cut_at(index: int) -> Told:
                told = Told()
                await follow(here, turn, told, until=index)
                await follow(there, turn, told)
                return told

            # All of them while the turn runs: the last is cut at the end itself.
            cut, *_ = await asyncio.gather(
                asyncio.gather(*(cut_at(index) for index in range(WORDS + 3))),
                follow(here, turn, whole),
                follow(there, turn, whole_there),
            )
            assert whole.kinds[-1] == "turn.completed"
            assert whole.text == " ".join(f"w{number}" for number in range(WORDS))
            assert whole_there.frames == whole.frames
            assert [told.frames for told in cut] == [whole.frames] * len(cut)

            # And afterwards, from what the two processes have of it: a log, and what is stored.
            for person in (here, there):
                for index in range(whole.last + 1):
                    body = await person.follow(turn, after=index)
                    # Who has seen everything is told the end again.
                    assert body == b"".join(whole.frames[min(index, whole.last - 1) :]), index
            after = 2 * (whole.last + 1)
            note(f"{whole.last} events, cut {len(cut)} times while it ran and {after} times after: the same")
        finally:
            await here.close()
            await there.close()
