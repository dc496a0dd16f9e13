"""What is told to those who watch, however slow they are."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.server.news import News, Over, Used
from stream.server.standing import Standing, State
from stream.server.watched.audience import ROOM, Audience, Seat
from stream.types import Drops, LabelEvent, Phase, Update


def used(number: int, *events: LabelEvent) -> Used:
    return Used(number, Update(number / 10, (), events, 0.0))


def event(phase: Phase, begin_s: float = 0.0) -> LabelEvent:
    return LabelEvent("wave", phase, 0.9, begin_s, begin_s)


def state(one: State) -> Standing:
    return Standing(name="door", model="toy", state=one, since_s=0.0)


def told(work: Callable[[Audience], Awaitable[None]]) -> None:
    asyncio.run(work(Audience()))


async def everything(seat: Seat) -> list[News]:
    found = []
    while (news := await seat.get()) is not None:
        found.append(news)
    return found


def test_everybody_is_told_everything_in_order() -> None:
    async def check(audience: Audience) -> None:
        with audience.seated() as one, audience.seated() as other:
            assert len(audience) == 2
            news = [state(State.LIVE), *map(used, range(ROOM - 2)), Over((), Drops())]
            for item in news:
                audience.tell(item)
            audience.close()
            assert await everything(one) == await everything(other) == news
            assert one.missed_count == 0
        assert len(audience) == 0

    told(check)


@given(st.lists(st.sampled_from(["begin", "end", "plain", "state"]), max_size=120))
def test_a_slow_one_gets_the_newest_and_every_begin_and_end(kinds: list[str]) -> None:
    async def check(audience: Audience) -> None:
        phases = {"begin": Phase.BEGIN, "end": Phase.END}
        with audience.seated() as seat:
            for number, kind in enumerate(kinds):
                happened = (event(phases[kind], number),) if kind in phases else (event(Phase.UPDATE),)
                audience.tell(state(State.LIVE) if kind == "state" else used(number, *happened))
            audience.close()
            found = await everything(seat)
        numbers = [news.number for news in found if isinstance(news, Used)]
        told_s = [one.begin_s for news in found if isinstance(news, Used) for one in news.update.events]
        sent = [number for number, kind in enumerate(kinds) if kind != "state"]
        assert len(found) <= ROOM
        assert numbers == sorted(numbers)
        assert numbers[-1:] == sent[-1:]
        assert seat.missed_count == len(sent) - len(numbers)
        kept = [begin_s for begin_s in told_s if begin_s in [n for n, kind in enumerate(kinds) if kind in phases]]
        assert [n for n, kind in enumerate(kinds) if kind in phases and n] == [n for n in kept if n]

    told(check)


def test_the_last_word_comes_before_why_there_is_no_more() -> None:
    async def check(audience: Audience) -> None:
        with audience.seated() as seat:
            audience.expect(ConnectionError("gone"))
            audience.tell(Over((event(Phase.END),), Drops()))
            audience.close()
            audience.tell(used(1))
            assert isinstance(await seat.get(), Over)
            with pytest.raises(ConnectionError, match="gone"):
                await seat.get()

    told(check)
