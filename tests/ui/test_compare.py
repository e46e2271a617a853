"""Comparing: results held beside the next one, and what they differ by."""

from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from inspector.results import SEGMENTATION_METHODS, TRAINED_METHODS
from inspector.settings import ASSETS
from tests.ui.driving import DESK, LONG, PHONE, VIEWER, Open, pill, query, run, side, state

playwright = pytest.importorskip("playwright.sync_api")
SHORT = "?tab=attention&prompt=a+horse+on+the+grass&steps=2&seed=7"


def hold(tab: Any) -> None:
    tab.get_by_role("button", name="Hold", exact=True).click()


def computed(tab: Any, field: str, value: str) -> None:
    """Wait until the new result is of a value, and on the screen."""
    ready = "document.documentElement.dataset.inspector === 'ready'"
    tab.wait_for_function(f"{VIEWER}?.showing && {VIEWER}.own.asked.{field} === {value!r} && {ready}", timeout=LONG)
    tab.wait_for_timeout(200)


def titles(tab: Any) -> list[str]:
    return tab.evaluate(f"{VIEWER}.panels.map((panel) => {VIEWER}.describe(panel.choice))")


def panels_of(tab: Any) -> list[str]:
    return [panel.get("of", "0") for panel in state(tab)["panels"]]


def ask(tab: Any, prompt: str) -> None:
    tab.get_by_role("textbox", name="Prompt").first.fill(prompt)
    run(tab)
    computed(tab, "prompt", prompt)


def test_a_held_prompt_stands_beside_the_next_and_the_address_holds_both(visit: Open) -> None:
    tab = visit(SHORT)
    hold(tab)
    ask(tab, "a dog on the grass")
    assert panels_of(tab) == ["0", "1", "0", "1"]
    told = titles(tab)
    assert told[0].startswith("a dog on the grass · dog")
    assert told[1].startswith("held: a horse on the grass · horse")
    assert tab.locator(".dv-held").count() == 2
    before, address = state(tab), query(tab)
    assert parse_qs(parse_qs(address[1:], keep_blank_values=True)["held"][0])["steps"] == ["2"]
    other = visit(address.replace("?tab", "?tab", 1))
    assert state(other) == before
    assert titles(other) == told
    assert query(other) == address


@pytest.mark.slow
def test_the_difference_is_of_true_values_and_follows_the_step(visit: Open) -> None:
    tab = visit(SHORT)
    hold(tab)
    ask(tab, "a dog on the grass")
    tab.locator(".dv-close:visible").last.click()
    side(tab, "Look")
    tab.get_by_role("button", name="A − B", exact=False).click()
    assert panels_of(tab)[-1] == "difference"
    for step in ("2", "1"):
        tab.evaluate(f"{VIEWER}.choose({{ step: '{step}' }})")
        tab.wait_for_timeout(200)
        found = tab.evaluate(
            f"(() => {{ const [a, b, , d] = {VIEWER}.panels, s = d.canvas.height; const at = (m) => m.at(90, 40, s, s);"
            " return [at(a.map), at(b.map), at(d.map), d.map.high]; })()"
        )
        assert state(tab)["panels"][1]["step"] == step
        assert found[2] == pytest.approx(found[0] - found[1], abs=found[3] / 100)
    assert tab.locator(".dv-panel").nth(3).locator(".dv-bar").text_content().startswith("-")
    tab.evaluate(f"{VIEWER}.panels[1].choice.layer = '8'; {VIEWER}.refresh()")
    tab.wait_for_timeout(300)
    assert "the grids differ (" in titles(tab)[-1]
    assert tab.evaluate(f"{VIEWER}.panels.at(-1).map") is None


@pytest.mark.slow
def test_any_panel_shows_either_result_and_a_held_one_is_let_go(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car,sky")
    hold(tab)
    assert tab.get_by_role("button", name="Hold", exact=True).count() == 0
    tab.get_by_role("textbox", name="Classes").first.fill("car, building")
    run(tab)
    computed(tab, "classes", "car, building")
    assert panels_of(tab) == ["0", "1", "0", "1"]
    words = tab.get_by_role("radiogroup", name="Class").get_by_role("radio")
    assert [text.split()[0] for text in words.all_text_contents()] == ["car", "building"]
    tab.get_by_label("Result of this panel").nth(0).select_option("1")
    assert [text.split()[0] for text in words.all_text_contents()] == ["car", "sky"]
    assert panels_of(tab) == ["1", "1", "0", "1"]
    tab.get_by_role("button", name="Let go", exact=True).first.click()
    assert panels_of(tab) == ["0"]
    assert "held" not in query(tab)


def test_a_word_written_over_comes_back_as_a_wipe_with_the_difference(visit: Open) -> None:
    tab = visit("?tab=attention&prompt=a+horse+on+the+grass&steps=2&seed=3")
    tab.get_by_role("textbox", name="Prompt").first.fill("something else")  # what is shown counts, not what is written
    tab.get_by_role("radio", name="horse").dblclick()
    tab.get_by_label("Instead of horse").fill("dog")
    tab.keyboard.press("Enter")
    computed(tab, "prompt", "a dog on the grass")
    tab.wait_for_function(f"{VIEWER}.panels.length === 3")
    assert tab.evaluate(f"[{VIEWER}.own.asked.seed, {VIEWER}.held[0].asked.seed]") == ["3", "3"]
    assert panels_of(tab) == ["0", "1", "difference"]
    assert [panel["word"] for panel in state(tab)["panels"]][:2] == ["dog", "horse"]
    assert state(tab)["wipe"]
    tops = tab.evaluate(f"{VIEWER}.panels.map((panel) => Math.round(panel.frame.getBoundingClientRect().left))")
    assert tops[0] == tops[1] < tops[2]
    assert tab.get_by_role("textbox", name="Prompt").first.input_value() == "a dog on the grass"


def test_a_word_written_over_with_the_layout_kept_stands_beside_the_earlier_picture(visit: Open) -> None:
    tab = visit("?tab=attention&prompt=a+horse+on+the+grass&steps=2&seed=3")
    pill(tab, "Recipe")
    tab.get_by_role("checkbox", name="Keep the layout").check()
    tab.keyboard.press("Escape")
    tab.get_by_role("radio", name="horse").dblclick()
    tab.get_by_label("Instead of horse").fill("dog")
    tab.keyboard.press("Enter")
    computed(tab, "prompt", "a dog on the grass")
    tab.wait_for_function(f"{VIEWER}.panels.length === 3")
    assert tab.evaluate(f"[{VIEWER}.own.asked.source, {VIEWER}.held[0].asked.source]") == ["a horse on the grass", ""]
    assert panels_of(tab) == ["0", "1", "difference"]
    assert tab.get_by_label("Source prompt").input_value() == "a horse on the grass"
    assert parse_qs(query(tab)[1:])["source"] == ["a horse on the grass"]


@pytest.mark.slow
def test_a_class_is_written_over_by_keys_and_escape_leaves_it(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car,sky")
    chip = tab.get_by_role("radio", name="sky")
    chip.focus()
    tab.keyboard.press("F2")
    tab.keyboard.type("grass")
    tab.keyboard.press("Escape")
    assert chip.evaluate("(node) => node === document.activeElement")
    tab.keyboard.press("F2")
    tab.keyboard.type("grass/trees")
    tab.keyboard.press("Enter")
    computed(tab, "classes", "car, grass/trees")
    assert panels_of(tab) == ["0", "1", "difference"]


@pytest.mark.slow
def test_chips_have_the_curve_over_the_steps_of_the_pixel_under_the_pointer(visit: Open) -> None:
    tab = visit(SHORT)
    chip = tab.get_by_role("radio", name="horse")
    curve = "(node) => decodeURIComponent(node.style.getPropertyValue('--dv-curve'))"
    assert "polyline" not in chip.evaluate(curve)
    tab.locator(".dv-over").first.hover()
    assert "polyline" in chip.evaluate(curve)
    values = tab.evaluate(
        f"(() => {{ const v = {VIEWER}, c = v.active().choice, {{ y, x }} = v.cursor, s = v.size();"
        " const at = (word, step) => v.atlas.map({ ...c, word, step })"
        ".at(Math.floor(y * s.height), Math.floor(x * s.width), s.height, s.width);"
        " const all = v.atlas.axis('word').values.filter((word) => word !== 'start token');"
        " const top = Math.max(...all.flatMap((word) => [at(word, '1'), at(word, '2')]));"
        " return ['1', '2'].map((step) => at('horse', step) / top); })()"
    )
    points = chip.evaluate(curve).split("points='")[1].split("'")[0].split(" ")
    assert [23 - float(point.split(",")[1]) for point in points] == pytest.approx([22 * v for v in values], abs=0.1)


@pytest.mark.slow
def test_what_is_zero_leaves_the_photograph_as_it_is(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car&fade=on&opacity=1")
    same = tab.evaluate(
        f"(() => {{ const p = {VIEWER}.active().sheet, low = p.enlarged.findIndex((value) => value < 0.5);"
        " const far = (c) => Math.abs(p.image.data[4 * low + c] - p.pixels[4 * low + c]);"
        " return low >= 0 && [0, 1, 2].every((c) => far(c) <= 3); })()"
    )
    assert same


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "held", "names"),
    [
        ("attention&prompt=a+dog&steps=2&seed=3", "prompt=a+dog&steps=2&seed=4", ("seed 3", "held: seed 4")),
        (
            "saliency&scene=500012&classes=sky",
            "scene=500020&classes=sky",
            ("drawn scene 500012", "held: drawn scene 500020"),
        ),
        ("clusters&k=4", "k=7", ("k 4", "held: k 7")),
    ],
)
def test_two_seeds_pictures_or_numbers_are_named_and_wiped(
    visit: Open, query: str, held: str, names: tuple[str, str]
) -> None:
    tab = visit(f"?tab={query}&held={quote(held, safe='')}")
    told = titles(tab)
    assert (told[0].startswith(names[0]), told[1].startswith(names[1])) == (True, True), told
    side(tab, "Look")
    tab.get_by_role("button", name="Wipe between the first two panels").click()
    clip = f"{VIEWER}.panels.map((panel) => panel.frame.style.clipPath)"
    assert tab.evaluate(clip)[:2] == ["", "inset(0px 0px 0px 50%)"]
    one, other = tab.evaluate(f"{VIEWER}.panels.slice(0, 2).map((panel) => panel.frame.getBoundingClientRect().left)")
    assert one == pytest.approx(other, abs=1)


@pytest.mark.slow
def test_what_was_closed_stays_closed_and_what_is_held_is_held_once(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car,sky")
    hold(tab)
    address = query(tab)
    assert "held=" in address
    for other in (visit(address), tab):
        if other is tab:
            tab.get_by_role("tab", name="Clusters").click()
            tab.wait_for_function("DenseViewer.shell.active === 'clusters'")
            tab.get_by_role("tab", name="Saliency").click()
            computed(tab, "classes", "car, sky")
        assert panels_of(other) == ["0", "0"]
        assert other.get_by_role("button", name="Hold", exact=True).count() == 0


@pytest.mark.slow
def test_a_tab_that_is_left_while_a_word_runs_is_wiped_by_its_answer_alone(visit: Open) -> None:
    tab = visit("?tab=attention&prompt=a+horse+on+the+grass&steps=12&seed=11")
    tab.get_by_role("radio", name="horse").dblclick()
    tab.get_by_label("Instead of horse").fill("brown dog")
    tab.keyboard.press("Enter")
    tab.get_by_role("tab", name="Saliency").click()
    tab.wait_for_function("DenseViewer.shell.active === 'saliency'")
    tab.get_by_role("tab", name="Attention").click()
    computed(tab, "prompt", "a brown dog on the grass")
    tab.wait_for_function(f"{VIEWER}.panels.length === 3", timeout=LONG)
    assert [panel["word"] for panel in state(tab)["panels"]][:2] == ["dog", "horse"]
    assert panels_of(tab) == ["0", "1", "difference"]


@pytest.mark.slow
def test_a_word_of_a_held_result_is_written_over_in_that_one(visit: Open) -> None:
    tab = visit(
        "?tab=attention&prompt=a+cat+on+the+road&steps=2&held=prompt%3Da%2Bhorse%2Bon%2Bthe%2Bgrass%26steps%3D2"
    )
    tab.evaluate(f"{VIEWER}.activate({VIEWER}.panels.find((panel) => panel.choice.of === '1'))")
    tab.get_by_role("radio", name="horse").dblclick()
    tab.get_by_label("Instead of horse").fill("dog")
    tab.keyboard.press("Enter")
    computed(tab, "prompt", "a dog on the grass")
    assert tab.evaluate(f"{VIEWER}.held.map((one) => one.asked.prompt)") == ["a horse on the grass"]


@pytest.mark.slow
def test_clusters_are_not_said_to_disagree_by_their_numbers(visit: Open) -> None:
    tab = visit("?tab=clusters&held=k%3D5")
    tab.evaluate(f"{VIEWER}.panels.forEach((panel) => {{ panel.choice.view = 'clusters'; }}); {VIEWER}.refresh()")
    tab.locator(".dv-close:visible").last.click()
    side(tab, "Look")
    tab.get_by_role("button", name="A − B", exact=False).click()
    assert titles(tab)[-1] == "A − B: what the first two panels show has no difference"


@pytest.mark.slow
def test_another_tab_keeps_what_is_held(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car,sky")
    hold(tab)
    tab.get_by_role("textbox", name="Classes").first.fill("building")
    run(tab)
    computed(tab, "classes", "building")
    before = state(tab)
    tab.get_by_role("tab", name="Clusters").click()
    tab.wait_for_function("DenseViewer.shell.active === 'clusters'")
    tab.get_by_role("tab", name="Saliency").click()
    computed(tab, "classes", "building")
    assert state(tab) == before


@pytest.mark.slow
def test_all_methods_in_one_run_and_where_they_disagree(visit: Open) -> None:
    tab = visit("?tab=segmentation&classes=car,building,sky,grass")
    tab.get_by_role("button", name="All methods").click()
    computed(tab, "method", "all")
    shown = tab.evaluate(f"{VIEWER}.panels.map((panel) => panel.choice.view)")
    assert shown == ["labels", "naclip", "disagreement"]
    views = tab.evaluate(f"{VIEWER}.atlas.axes.find((axis) => axis.name === 'view').values")
    shipped = {file.stem for file in (ASSETS / "models" / "heads-taught").glob("*.safetensors")}
    methods = (*SEGMENTATION_METHODS, *(name for name in TRAINED_METHODS if name in shipped))
    assert views == ["labels", "score", "truth", "errors", *methods, "disagreement"]
    against = tab.evaluate(
        f"(() => {{ const at = 5000, named = (of) => of.values[at], all = {VIEWER}.atlas.labels;"
        " const votes = all.filter((one) => !['labels', 'truth', 'errors'].includes(one.at.view)).map(named);"
        f" const map = {VIEWER}.panels[2].map, own = all.find((one) => one.at.view === 'labels');"
        " return [votes.filter((vote) => vote !== named(own)).length / votes.length,"
        " map.low + map.values[at] / 255 * (map.high - map.low)]; })()"
    )
    assert against[1] == pytest.approx(against[0], abs=0.01)
    rows = tab.locator(".told:visible table").first.locator("tr")
    assert rows.count() == 2 + len(methods)  # the head, each method, the majority
    other = visit(query(tab))
    assert other.evaluate(f"{VIEWER}.panels.map((panel) => panel.choice.view)") == shown


@pytest.mark.slow
def test_a_drawn_mask_scores_only_what_is_of_its_picture(visit: Open) -> None:
    tab = visit("?tab=saliency&scene=500012&classes=sky")
    hold(tab)
    tab.evaluate("document.documentElement.dataset.inspector = 'waiting'")
    tab.get_by_role("textbox", name="Classes").first.fill("grass")
    run(tab)
    computed(tab, "classes", "grass")
    tab.evaluate(f"{VIEWER}.masks.brush({{ y: 0.2, x: 0.5 }}, 1); {VIEWER}.maskChanged('drawn')")
    scored = f"{VIEWER}.panels.map((panel) => Boolean({VIEWER}.masks.score(panel.map, panel.choice)))"
    assert tab.evaluate(scored) == [True, True]
    tab.evaluate(f"{VIEWER}.masks.drawn.digest = 'another'")
    assert tab.evaluate(scored) == [False, False]


@pytest.mark.slow
def test_on_a_telephone_too(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car,sky", PHONE, height=844)
    hold(tab)
    tab.get_by_role("textbox", name="Classes").first.fill("car, building")
    run(tab)
    computed(tab, "classes", "car, building")
    assert panels_of(tab) == ["0", "1", "0", "1"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE


@pytest.mark.slow
def test_an_address_whose_held_part_is_wrong_says_so(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car&held=classes%3D", flag="failed")
    assert "class" in tab.locator(".status.problem:visible").text_content()


@pytest.mark.slow
def test_one_region_is_a_scoreboard_through_all_tabs(visit: Open) -> None:
    tab = visit("?tab=saliency&classes=car,sky")
    side(tab, "Mask")
    tab.get_by_role("button", name="Map above threshold as mask").click()
    tab.get_by_role("button", name="Send to the other tabs").click()
    board = tab.locator(".dv-board li")
    tab.wait_for_function("document.querySelectorAll('.dv-board li').length === 1", timeout=LONG)
    for name in ("Segmentation", "Clusters"):
        tab.get_by_role("tab", name=name).click()
        tab.wait_for_function(f"DenseViewer.shell.active === '{name.lower()}'")
        if name == "Clusters":  # of the shared picture, as a visitor would
            run(tab)
        rows = "[...document.querySelectorAll('.dv-board li')]"
        tab.wait_for_function(f"{rows}.some((row) => row.textContent.startsWith('{name.lower()}: '))", timeout=LONG)
    side(tab, "Numbers")
    told = board.all_text_contents()
    assert any(text.startswith("saliency: car") for text in told)
    assert any(text.startswith("clusters: ") and "cluster " in text for text in told)
    board.filter(has_text="saliency").get_by_role("button").click()
    tab.wait_for_function("DenseViewer.shell.active === 'saliency'")
    tab.wait_for_function(f"{VIEWER}?.active()?.choice.class === 'car'")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "theme"), [(DESK, "dark"), (PHONE, "light")])
def test_axe_finds_nothing_where_results_are_compared(visit: Open, width: int, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = visit("?tab=segmentation&classes=car,sky&held=classes%3Dcar%2Csky%26method%3Dgradcam", width, theme)
    tab.evaluate(f"{VIEWER}.pin({{ y: 0.5, x: 0.5 }})")
    tab.locator(".dv-close:visible").last.click()
    side(tab, "Look")
    tab.get_by_role("button", name="A − B", exact=False).click()
    assert "difference" in panels_of(tab)
    tab.wait_for_timeout(300)
    found = Axe().run(tab)
    assert not found.response["violations"], found.generate_report()
