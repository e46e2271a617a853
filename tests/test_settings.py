"""The environment: what a public host may set, and how a value that cannot be used is told."""

from collections.abc import Iterator

import pytest

from inspector.errors import ChoiceError
from inspector.results import AttentionRequest, SaliencyRequest
from inspector.settings import LIMITS, Limits, Settings, is_public, settings
from inspector.world import scene

READ = (
    *LIMITS,
    "INSPECTOR_QUEUE",
    "INSPECTOR_VISITOR_SECONDS",
    "INSPECTOR_MODELS",
    "INSPECTOR_OFFLOAD",
    "INSPECTOR_VISITOR_RUNS",
    "INSPECTOR_HUB",
    "INSPECTOR_PROXY",
    "INSPECTOR_HOSTS",
    "INSPECTOR_ORIGINS",
    "INSPECTOR_FRAMES",
    "GRADIO_SERVER_NAME",
    "GRADIO_SERVER_PORT",
    "GRADIO_ROOT_PATH",
    "SPACE_ID",
    "SPACE_HOST",
    "SPACES_ZERO_GPU",
)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in READ:
        monkeypatch.delenv(variable, raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    return settings()


def test_without_variables_the_defaults_hold() -> None:
    found = settings()
    assert found.limits == Limits()
    assert (found.queue, found.visitor_runs, found.hub, found.proxy, found.zero_gpu) == (16, 3, True, False, False)
    assert (found.hosts, found.origins, found.frames, found.space) == ((), (), (), False)


@pytest.mark.parametrize(
    ("host", "variables", "public"),
    [
        (None, {}, False),
        ("127.0.0.1", {}, False),
        ("127.8.9.1", {}, False),
        ("[::1]", {}, False),
        ("localhost", {}, False),
        ("0.0.0.0", {}, True),
        ("::", {}, True),
        ("192.168.1.5", {}, True),
        ("example.org", {}, True),
        (None, {"GRADIO_SERVER_NAME": "0.0.0.0"}, True),
        (None, {"SPACE_ID": "somebody/dense-inspector"}, True),
    ],
)
def test_a_public_page_has_a_share_per_visitor(
    host: str | None, variables: dict[str, str], public: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(monkeypatch, **variables)
    assert is_public(host) is public
    assert settings().share(public) == (120 if public else 0)
    assert read(monkeypatch, INSPECTOR_VISITOR_SECONDS="0").share(True) == 0
    assert read(monkeypatch, INSPECTOR_VISITOR_SECONDS="7").share(False) == 7


def test_names_and_origins_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(
        monkeypatch,
        INSPECTOR_HOSTS="example.org, *.example.net",
        INSPECTOR_ORIGINS="https://a.example/ ,http://b.example:81",
        INSPECTOR_FRAMES="https://c.example",
    )
    assert found.hosts == ("example.org", "*.example.net")
    assert found.origins == ("https://a.example", "http://b.example:81")
    assert found.frames == ("https://c.example",)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("INSPECTOR_HOSTS", "https://example.org"),
        ("INSPECTOR_HOSTS", "a b"),
        ("INSPECTOR_ORIGINS", "example.org"),
        ("INSPECTOR_ORIGINS", "https://a.example/path"),
        ("INSPECTOR_FRAMES", "https://a.example; script-src *"),  # goes into a head of every answer
        ("INSPECTOR_FRAMES", "*"),
    ],
)
def test_what_is_no_name_is_one_sentence(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChoiceError, match=rf"^{variable} holds .*; use "):
        read(monkeypatch, **{variable: value})


def test_a_space_is_asked_for_by_its_own_name_and_shown_in_its_host_s_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, SPACE_ID="somebody/dense-inspector", SPACE_HOST="somebody-dense-inspector.hf.space")
    assert found.hosts == ("somebody-dense-inspector.hf.space",)
    assert "https://huggingface.co" in found.frames


def test_gradio_s_port_is_checked_before_gradio_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChoiceError, match="GRADIO_SERVER_PORT is 'abc'; use a whole number from 1 to 65,535"):
        read(monkeypatch, GRADIO_SERVER_PORT="abc")


@pytest.mark.parametrize("variable", LIMITS)
def test_a_limit_is_read_within_its_range(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, least, most = LIMITS[variable]
    for number in (least, most):
        assert getattr(read(monkeypatch, **{variable: str(number)}).limits, name) == number
    for number in (least - 1, most + 1):
        with pytest.raises(ChoiceError, match=rf"^{variable} is '{number}'; use a whole number from {least:,} to"):
            read(monkeypatch, **{variable: str(number)})


@pytest.mark.parametrize("value", ["many", "1.5", "-1", "²", "9" * 5000, "0x10"])
def test_what_is_no_number_is_one_sentence(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ChoiceError, match=r"INSPECTOR_QUEUE is .*; use a whole number from 1 to 1,000"):
        read(monkeypatch, INSPECTOR_QUEUE=value)


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, INSPECTOR_QUEUE=" ", INSPECTOR_HUB="", INSPECTOR_MAX_STEPS="").queue == 16


def test_the_other_numbers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, INSPECTOR_QUEUE="4", INSPECTOR_VISITOR_SECONDS="120", INSPECTOR_MODELS="1")
    assert (found.queue, found.visitor_seconds, found.models_kept) == (4, 120, 1)


def test_a_switch_is_0_or_1_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read(monkeypatch, INSPECTOR_HUB="0").hub
    with pytest.raises(ChoiceError, match="INSPECTOR_HUB is 'false'; use 0 or 1"):
        read(monkeypatch, INSPECTOR_HUB="false")


def test_on_spaces_a_proxy_is_in_front_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, SPACE_ID="somebody/dense-inspector").proxy
    assert not read(monkeypatch, INSPECTOR_PROXY="0").proxy


def test_a_host_that_lends_its_gpu_is_known_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, SPACES_ZERO_GPU="true").zero_gpu
    assert not read(monkeypatch, SPACES_ZERO_GPU="false").zero_gpu


def test_the_narrowest_limits_refuse_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    read(monkeypatch, **{variable: str(least) for variable, (_, least, _) in LIMITS.items()})
    assert AttentionRequest("a horse on the grass").steps == 20
    assert len(SaliencyRequest(scene(1).image, "car, building, windows, trees/palms").background) == 25
