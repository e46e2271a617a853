"""Shares: who may compute, who is told when to come back, and by what a visitor is known."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from inspector.errors import ShareError
from inspector.settings import settings
from inspector.ui.share import GRAIN, WINDOW, Share, visitor


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in ("SPACE_ID", "INSPECTOR_PROXY", "INSPECTOR_VISITOR_SECONDS"):
        monkeypatch.delenv(variable, raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "somebody/dense-inspector")
    settings.cache_clear()


def asked(host: str | None = "10.0.0.1", forwarded: str | None = None, session: str | None = "abc") -> Any:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    client = None if host is None else SimpleNamespace(host=host)
    return SimpleNamespace(headers=headers, client=client, session_hash=session)


def test_a_used_up_share_says_when_to_come_back(clock: Clock) -> None:
    share = Share(120, clock)
    share.charge("ann", 100)  # at 1000
    clock.now += 85
    share.admit("ann")  # 20 s are left, and nobody knows yet that the next run takes 30
    share.charge("ann", 30)  # at 1085
    clock.now += 430  # at 1515 the first 100 s count for another 85
    with pytest.raises(ShareError, match=r"^You used your 120 s of computing for now; try again in 85 s, or run the"):
        share.admit("ann")
    clock.now += 84
    with pytest.raises(ShareError, match="again in 1 s"):
        share.admit("ann")
    clock.now += 1
    share.admit("ann")
    assert share.used("ann") == 30


def test_the_wait_is_until_enough_is_forgotten(clock: Clock) -> None:
    share = Share(100, clock)
    for seconds in (20, 90, 40):
        share.charge("ann", seconds)
        clock.now += 100
    # 150 s of 100: the first 20 leave 130, the next 90 leave 40, and those were charged at 1100.
    with pytest.raises(ShareError, match="again in 400 s"):
        share.admit("ann")


def test_visitors_do_not_share(clock: Clock) -> None:
    share = Share(60, clock)
    share.charge("ann", 60)
    share.admit("bob")
    with pytest.raises(ShareError):
        share.admit("ann")


def test_no_limit_keeps_no_books(clock: Clock) -> None:
    share = Share(0, clock)
    share.charge("ann", 10_000)
    share.admit("ann")
    assert share.used("ann") == 0


def test_the_share_is_the_hosts_setting(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    share = Share(clock=clock)
    assert share.allowed == 0
    monkeypatch.setenv("INSPECTOR_VISITOR_SECONDS", "90")
    settings.cache_clear()
    share.charge("ann", 90)
    with pytest.raises(ShareError, match="your 90 s"):
        share.admit("ann")


def test_charges_of_one_run_are_kept_as_a_few(clock: Clock) -> None:
    share = Share(600, clock)
    for _ in range(20_000):  # a step of a run every 0.1 s, for 2000 s
        clock.now += 0.1
        share.charge("ann", 0.1)
    assert share.used("ann") == pytest.approx(WINDOW, abs=GRAIN + 0.2)
    assert len(share._charged["ann"]) <= WINDOW / GRAIN + 1


def test_only_so_many_visitors_are_remembered_the_latest_ones(clock: Clock) -> None:
    share = Share(60, clock, visitors=3)
    for name in ("ann", "bob", "cid", "ann", "dan"):
        share.charge(name, 30)
    assert [share.used(name) for name in ("ann", "bob", "cid", "dan")] == [60, 0, 30, 30]


def test_threads_lose_no_charge(clock: Clock) -> None:
    share = Share(600, clock)
    threads = [threading.Thread(target=lambda: [share.charge("ann", 1) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert share.used("ann") == 4000


def test_a_visitor_is_the_address_that_asks() -> None:
    assert visitor(asked("192.0.2.7")) == "address 192.0.2.7"
    assert visitor(asked("192.0.2.7", forwarded="198.51.100.1")) == "address 192.0.2.7"  # no proxy: anybody's claim
    assert visitor(asked("::ffff:192.0.2.7")) == "address 192.0.2.7"


def test_behind_a_proxy_it_is_the_first_forwarded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    behind_a_proxy(monkeypatch)
    assert visitor(asked(forwarded="198.51.100.1, 10.0.0.9")) == "address 198.51.100.1"
    assert visitor(asked(forwarded="<script>")) == "address 10.0.0.1"
    assert visitor(asked(forwarded=None)) == "address 10.0.0.1"


def test_a_household_of_ipv6_is_one_visitor() -> None:
    assert visitor(asked("2001:db8:1:2::5")) == visitor(asked("2001:db8:1:2:ffff::1"))
    assert visitor(asked("2001:db8:1:2::5")) != visitor(asked("2001:db8:1:3::5"))


def test_without_an_address_it_is_the_session_and_without_that_one_for_all() -> None:
    assert visitor(asked(None, session="abc")) == "session abc"
    assert visitor(asked("testclient", session="abc")) == "session abc"
    assert visitor(asked(None, session="192.0.2.7")) != visitor(asked("192.0.2.7"))
    assert visitor(asked(None, session=None)) == visitor(None) == visitor(object()) == "session unknown"
    assert len(visitor(asked(None, session="x" * 10_000))) < 80
