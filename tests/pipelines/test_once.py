"""What is shared is computed once, and counted for each that takes it."""

import time

import pytest

from inspector.pipelines.once import Once


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, which pass where a test says so."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_each_method_is_told_what_it_would_take_alone(clock):
    once, made = Once(), []

    def picture() -> str:
        made.append("picture")
        clock[0] += 5
        return "p"

    def maps() -> str:
        made.append("maps")
        clock[0] += 3
        return once("picture", picture) + "m"

    with once.timed() as first:
        assert once("maps", maps) == "pm"
        clock[0] += 1
    with once.timed() as second:
        assert once("maps", maps) == "pm"
        clock[0] += 10
    with once.timed() as third:
        once("picture", picture)
        once("picture", picture)
    assert made == ["maps", "picture"]
    assert (first.own, first.seconds) == (1, 9)
    assert (second.own, second.seconds) == (10, 18)
    assert (third.own, third.seconds) == (0, 5)


def test_what_fails_is_not_kept(clock):
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once("a", lambda: 1 // 0)
    assert once("a", lambda: 2) == 2
