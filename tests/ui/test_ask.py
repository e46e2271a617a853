"""Questions to a recorded run on the page: heads, word against word, self-attention, probe words, all without a run."""

from typing import Any

import pytest

from inspector.ui import scenes
from tests.ui.driving import LONG, PHONE, VIEWER, Open, asked_from_now, pill, query, side, state, until

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow
EXAMPLE = "?tab=attention"
MAP = f"{VIEWER}.active().map"
HEADS = "?tab=attention&prompt=a+horse+on+the+grass&steps=3&seed=7&keep=single+heads,+queries,+self-attention&probes="


def ask(tab: Any, question: str) -> None:
    """Choose what is asked, and wait until it is shown."""
    tab.get_by_role("radio", name=question).click()
    drawn(tab)


def drawn(tab: Any) -> None:
    tab.wait_for_function(
        f"(({MAP}) || {VIEWER}.active().labels) && !document.querySelector('[aria-busy]')", timeout=LONG
    )
    tab.wait_for_timeout(150)


def values(tab: Any) -> list[int]:
    return tab.evaluate(f"Array.from({MAP}.values)")


def computed(asked: list[str]) -> list[str]:
    """Of what the page asked, what would set off a run or a lookup; maps that were announced only are no run."""
    return [url for url in asked if "queue/join" in url]


def test_word_against_word_is_a_label_for_each_place(visit: Open) -> None:
    tab = visit(EXAMPLE)
    asked = asked_from_now(tab)
    side(tab, "Ask")
    ask(tab, "word against word")
    labels = f"{VIEWER}.active().labels"
    names = tab.evaluate(f"[...new Set({labels}.values)].map((index) => {labels}.names[index])")
    assert sorted(names) == ["grass", "horse"]
    assert "horse" in tab.locator(".dv-legend:visible").first.inner_text()
    tab.get_by_role("button", name="on", exact=True).click()
    assert state(tab)["rivals"] == ["horse", "on", "the", "grass"]
    for word in ("on", "the", "grass"):  # and not the last but one: a word alone does not compete
        tab.get_by_role("button", name=word, exact=True).click()
    assert state(tab)["rivals"] == ["horse", "grass"]
    assert "view=against" in query(tab)
    assert not asked


@pytest.mark.parametrize("width", [1440, PHONE])
def test_self_attention_of_a_pixel_a_box_and_a_polygon(visit: Open, width: int) -> None:
    tab = visit(EXAMPLE, width=width)
    asked = asked_from_now(tab)
    side(tab, "Ask")
    ask(tab, "self-attention")
    middle = values(tab)
    over = tab.locator(".dv-over").first
    shown = over.bounding_box()

    def at(x: float, y: float) -> dict[str, float]:
        return {"x": x * shown["width"], "y": y * shown["height"]}

    if width == PHONE:
        side(tab, "Ask")  # the sheet lies over the picture: close it
    over.click(position=at(0.1, 0.1))
    drawn(tab)
    pixel = values(tab)
    assert pixel != middle
    assert abs(sum_of(tab) - 1) < 0.05
    if width == PHONE:
        side(tab, "Ask")
    tab.get_by_role("radio", name="Box").click()
    if width == PHONE:
        side(tab, "Ask")
    over.drag_to(over, source_position=at(0.2, 0.5), target_position=at(0.45, 0.62))
    drawn(tab)
    assert state(tab)["region"]["kind"] == "box"
    assert values(tab) != pixel
    if width == PHONE:
        return
    tab.get_by_role("radio", name="Polygon").click()
    for x, y in ((0.3, 0.5), (0.6, 0.5), (0.45, 0.7)):
        over.click(position=at(x, y))
    drawn(tab)
    assert len(state(tab)["region"]["points"]) == 3
    box = values(tab)
    address = query(tab)
    assert "region=polygon" in address
    tab.get_by_role("button", name="Forget the region").click()
    drawn(tab)
    assert state(tab)["region"] is None
    assert not computed(asked)
    again = visit(address)
    drawn(again)
    assert values(again) == box


def test_a_table_of_how_much_regions_look_at_each_other(visit: Open) -> None:
    tab = visit(f"?tab=attention&prompt=a+horse+on+the+grass&scene={scenes.HORSE}&keep=self-attention")
    asked = asked_from_now(tab)
    side(tab, "Ask")
    ask(tab, "self-attention")
    tab.get_by_role("button", name="How much each mask's region looks at each").click()
    table = tab.locator(".dv-scores table:visible")
    heads = table.locator("thead th").all_inner_texts()[1:]
    assert "horse" in heads
    assert "grass" in heads
    shares = [[float(text) for text in row.locator("td").all_inner_texts()] for row in table.locator("tbody tr").all()]
    horse, grass = heads.index("horse"), heads.index("grass")
    assert all(0 <= share <= 1.01 for row in shares for share in row)
    assert shares[horse][horse] > shares[grass][horse]
    assert not computed(asked)


def sum_of(tab: Any) -> float:
    """Of all values of the active map."""
    return tab.evaluate(
        f"(() => {{ const map = {MAP}; return Array.from(map.values, (v) => map.low + v / 255 * (map.high - map.low))"
        ".reduce((a, b) => a + b, 0); })()"
    )


def test_what_was_kept_of_the_last_step_is_shown_there(visit: Open) -> None:
    tab = visit(f"{EXAMPLE}&step=5")
    side(tab, "Ask")
    ask(tab, "self-attention")
    assert state(tab)["panels"][0]["step"] == "20"
    ask(tab, "attention to a word")
    tab.evaluate(f"{VIEWER}.choose({{ step: '5' }})")
    assert state(tab)["panels"][0]["step"] == "5"


def test_without_the_start_token_words_have_larger_shares(visit: Open) -> None:
    tab = visit(EXAMPLE)
    asked = asked_from_now(tab)
    side(tab, "Ask")
    before = tab.evaluate(f"{MAP}.high")
    ask(tab, "without the start token")
    assert tab.evaluate(f"{MAP}.high") > before
    assert not computed(asked)


def test_resolutions_are_mixed_by_hand(visit: Open) -> None:
    tab = visit(f"{EXAMPLE}&layer=weighted&word=horse")
    asked = asked_from_now(tab)
    side(tab, "Ask")
    alike = values(tab)
    for size in ("16×16", "8×8", "4×4"):
        tab.get_by_label(f"Weight of {size}").evaluate(
            "(node) => { node.value = 0; node.dispatchEvent(new Event('input', { bubbles: true })); }"
        )
    drawn(tab)
    alone = values(tab)
    assert alone != alike
    assert "mixture=" in query(tab)
    tab.evaluate(f"{VIEWER}.choose({{ layer: '32' }})")
    drawn(tab)
    assert max(abs(one - other) for one, other in zip(values(tab), alone, strict=True)) <= 1
    assert not computed(asked)


def test_a_probe_word_needs_no_run_and_heads_are_looked_at_one_by_one(visit: Open) -> None:
    tab = visit(HEADS)
    side(tab, "Ask")
    ask(tab, "a single head")
    place = state(tab)["panels"][0]
    assert place["layer"].endswith("attn2")
    first = values(tab)
    tab.get_by_label("Head", exact=True).evaluate(
        "(node) => { node.value = 1; node.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    drawn(tab)
    assert values(tab) != first
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.get_by_label("Words that are not in the prompt").fill("dog, tree")
    tab.get_by_role("button", name="Probe", exact=True).click()
    tab.wait_for_function(f"{VIEWER}.own.axis('probe')?.values.length === 2", timeout=LONG)
    until(tab)
    drawn(tab)
    assert state(tab)["panels"][0]["view"] == "probe"
    assert state(tab)["panels"][0]["probe"] == "tree"
    tree = values(tab)
    tab.get_by_role("radio", name="dog").click()
    drawn(tab)
    assert values(tab) != tree
    steps = tab.locator(".status.running[data-step]")
    assert steps.count() == 0
    tab.get_by_label("Words that are not in the prompt").fill("sky")
    tab.get_by_label("Words that are not in the prompt").press("Enter")
    tab.wait_for_function(f"{VIEWER}.own.axis('probe')?.values.length === 3", timeout=LONG)
    assert "probes=dog%2C+tree%2C+sky" in query(tab)
    assert not tab.locator("button.run.changed:visible").count()


def test_a_run_that_kept_nothing_says_how_to_keep_it(visit: Open) -> None:
    tab = visit("?tab=attention&prompt=a+horse+on+the+grass&steps=2&keep=")
    side(tab, "Ask")
    assert tab.get_by_role("radio", name="self-attention").count() == 0
    assert tab.get_by_label("Words that are not in the prompt").count() == 0
    told = tab.get_by_text("self-attention press Run with “Keep for questions after the run” under Recipe")
    assert told.is_visible()


def test_what_is_kept_is_told_before_the_run(visit: Open) -> None:
    """And anew where what is asked for changes, without a run; the run of this address brought the model in."""
    tab = visit(HEADS)
    asked = asked_from_now(tab)
    pill(tab, "Recipe")
    costs = tab.locator(".block.costs:visible")
    costs.filter(has_text="as long as with maps alone").wait_for(timeout=LONG)
    usual = costs.inner_text()
    for part in ("single heads", "queries", "self-attention"):
        assert part in usual
    tab.get_by_label("single heads").uncheck()
    costs.filter(has_not_text="single heads").wait_for(timeout=LONG)
    assert not [url for url in asked if "queue/join" in url]
