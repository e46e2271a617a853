"""The line: one at a time, in the order of coming, with a guess of the wait; listeners, wishes and turns."""

import threading
import time
from contextlib import ExitStack

import pytest

from inspector.errors import Cancelled, ShareError
from inspector.results import Progress
from inspector.ui import turns
from inspector.ui.line import REMEMBERED, USUAL, Line
from inspector.ui.listeners import PATIENCE, Listeners
from inspector.ui.share import Share
from inspector.ui.turns import Caller, Wishes, in_turn


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_turns_come_in_the_order_of_coming(clock: Clock) -> None:
    line = Line(clock)
    with ExitStack() as stack:
        first, second, third = (stack.enter_context(line.place("saliency")) for _ in range(3))
        assert [place.wait(0) for place in (first, second, third)] == [True, False, False]
        assert [line.waiting(place).ahead for place in (first, second, third)] == [0, 1, 2]
        assert line.waiting().ahead == 3
    assert len(line) == 0


def test_who_leaves_frees_the_place_at_once(clock: Clock) -> None:
    line = Line(clock)
    came = threading.Event()

    def third() -> None:
        with line.place("saliency") as place:
            while not place.wait(5):
                pass
            came.set()

    with line.place("saliency") as first:
        assert first.wait(0)
        with line.place("saliency"):
            waiting = threading.Thread(target=third)
            waiting.start()
            assert not came.wait(0.1)
        assert line.waiting(first).ahead == 0
        assert not came.is_set()
    assert came.wait(5)
    waiting.join()


def test_the_wait_is_what_runs_took_here(clock: Clock) -> None:
    line = Line(clock)
    for seconds in (3.0, 5.0, 100.0):
        with line.place("attention", 10) as place:
            place.wait(0)
            clock.now += seconds
            place.done()
    with line.place("attention", 20) as running, line.place("clusters") as waiting:
        running.wait(0)
        assert line.waiting(waiting).seconds == pytest.approx(20 * 0.5)  # the median, per step
        clock.now += 4
        assert line.waiting(waiting).seconds == pytest.approx(6)
        running.tell(9.0)  # the run itself knows better
        clock.now += 1
        assert line.waiting(waiting).seconds == pytest.approx(8)
        assert line.waiting().seconds == pytest.approx(8 + USUAL["clusters"])
        assert str(line.waiting()) == "Place 2 in the queue: 2 runs before yours, about 10 s"


def test_a_run_that_failed_is_not_timed_and_old_ones_are_forgotten(clock: Clock) -> None:
    line = Line(clock)
    for seconds in [1000.0] * REMEMBERED + [1.0] * REMEMBERED:
        with line.place("saliency") as place:
            place.wait(0)
            clock.now += seconds
            place.done()
    with line.place("saliency") as place:
        place.wait(0)
        clock.now += 77
    with line.place("saliency"):
        assert line.waiting().seconds == pytest.approx(1)


def test_somebody_listens_or_may_still_come(clock: Clock) -> None:
    listeners = Listeners(clock)
    asked = clock.now
    assert listeners.heard("a", asked)
    clock.now += PATIENCE
    assert not listeners.heard("a", asked)
    with listeners.listening("a"), listeners.listening("a"):
        clock.now += 1000
        assert listeners.heard("a", asked)
        assert not listeners.heard("b", asked)
    clock.now += PATIENCE - 1
    assert listeners.heard("a", asked)  # who lost the connection may come back
    clock.now += 2
    assert not listeners.heard("a", asked)
    with listeners.listening(""):
        assert not listeners.heard("", asked)


def test_a_tab_wants_the_last_it_asked_until_it_is_stopped() -> None:
    wishes = Wishes()
    first, other = wishes.ask("ann", "saliency"), wishes.ask("ann", "clusters")
    assert wishes.holds("ann", first)
    second = wishes.ask("ann", "saliency")
    assert second != first
    assert [wishes.holds("ann", number) for number in (first, second, other)] == [False, True, True]
    assert not wishes.holds("bob", second)
    assert not wishes.holds("ann", str(second))
    assert wishes.last("ann", "saliency") == second
    wishes.drop("ann", "saliency")
    wishes.drop("ann", "saliency")
    assert not wishes.holds("ann", second)
    assert wishes.holds("ann", other)
    assert wishes.last("ann", "saliency") == 0
    wishes.answered("ann", "clusters", first)
    assert wishes.holds("ann", other)
    wishes.answered("ann", "clusters", other)
    assert not wishes.holds("ann", other)


def test_a_run_says_its_place_then_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LINE", Line())
    monkeypatch.setattr(turns, "LOOK", 0.01)
    begin, release = threading.Event(), threading.Event()

    def slow(place):
        begin.set()
        release.wait(10)
        yield "first"

    running = threading.Thread(target=lambda: list(in_turn("saliency", 1, Caller(), slow)))
    running.start()
    begin.wait(10)
    second = in_turn("saliency", 1, Caller(), lambda place: iter(["second"]))
    told = next(second)
    assert isinstance(told, Progress)
    assert told.message.startswith("Place 1 in the queue: 1 run before yours, about ")
    release.set()
    assert list(second)[-1] == "second"
    running.join()


@pytest.mark.parametrize("why", ["stopped", "nobody listens"])
def test_who_is_gone_leaves_the_line(why: str, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    monkeypatch.setattr(turns, "LINE", line)
    monkeypatch.setattr(turns, "LISTENERS", Listeners(clock))
    wanted = [True]
    caller = Caller("", "ann" if why == "nobody listens" else "", lambda: wanted[0], since=clock.now)
    with line.place("saliency") as first:
        first.wait(0)
        waiting = in_turn("saliency", 1, caller, lambda place: iter(()))
        next(waiting)
        assert len(line) == 2
        wanted[0] = why == "nobody listens"
        clock.now += PATIENCE + 1
        with pytest.raises(Cancelled, match="Stopped" if why == "stopped" else "Nobody listened"):
            for _ in waiting:
                pass
        assert len(line) == 1


def test_only_computing_counts_against_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LINE", Line())
    share = Share(allowed=0.15)
    monkeypatch.setattr(turns, "SHARE", share)

    def work(place):
        time.sleep(0.2)
        yield 1

    assert list(in_turn("saliency", 1, Caller("ann"), work)) == [1]
    assert 0.2 <= share.used("ann") < 5
    with pytest.raises(ShareError):
        list(in_turn("saliency", 1, Caller("ann"), work))
    assert list(in_turn("saliency", 1, Caller("bob"), work)) == [1]
    assert len(turns.LINE) == 0
