"""The report of a campaign: what it says, that it is sound HTML, and that a browser draws it without a network."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.discovery.campaigns.state import CampaignState, Event
from superion.discovery.candidates import Candidate
from superion.discovery.goal import Goal
from superion.discovery.report.element_effects import LEVEL, element_effects
from superion.discovery.report.facts import facts_of
from superion.discovery.report.figures import figures_of
from superion.discovery.report.goal import goal_text
from superion.discovery.report.page import Outlook, html_report
from superion.discovery.report.style import DARK
from superion.discovery.report.text import sections_of
from superion.errors import InvalidValue
from superion.models.arrhenius import inverse_temperature_step

from ..serving._browser import chromium
from ._reported import BEGUN, MEASURED, PREDICTED, asked, campaign, candidate, candidates, events_of, full, observed

ALL_FIGURES = ("progress", "parity", "families", "outlook")
VOID = {"meta", "br", "link", "hr", "img"}
HOSTILE = "<script>alert(1)</script>\"'&</td><b onmouseover=alert(2)>"


class Page(HTMLParser):
    """Read a page strictly: every tag is closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "no attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def hostile() -> tuple[CampaignState, tuple[Event, ...]]:
    """Return a campaign in which everything that a user writes is an attack."""
    ones = [
        Candidate(HOSTILE, candidate("a", "Li6PS5Cl").material, HOSTILE),
        Candidate(HOSTILE + "2", candidate("b", "LiI").material, HOSTILE),
    ]
    suggestion = asked(1, ones[0], -3.0)
    told = {**suggestion.reasons, "text": HOSTILE}
    observations = [
        observed(1, ones[0].id, 1e-3, note=HOSTILE, by=HOSTILE),
        observed(2, ones[1].id, None, note=HOSTILE, by=HOSTILE),
    ]
    pending = type(suggestion)(2, 1, ones[1].id, "pending", HOSTILE, told, HOSTILE, BEGUN)
    state = campaign(ones, observations, [suggestion, pending])
    return state, (*events_of(state), Event(4, "observe", HOSTILE, BEGUN, {HOSTILE: [HOSTILE, {HOSTILE: 1.5}]}))


def outlook_of(state: CampaignState) -> Outlook:
    mean = [-3.0 - 0.1 * place for place in range(len(state.candidates))]
    ids = [one.id for one in state.candidates]
    return Outlook(ids, mean, [value - 1.0 for value in mean], [value + 1.0 for value in mean])


def all_measured() -> CampaignState:
    return campaign(candidates(3), [observed(number, f"c{number}", 10.0**-number) for number in (1, 2, 3)])


STATES = {
    "no candidate": campaign([]),
    "nothing done": campaign(candidates(3)),
    "one measured": campaign(candidates(3), [observed(1, "c1", 1e-3)]),
    "only failures": campaign(candidates(3), [observed(1, "c1", None), observed(2, "c2", None)]),
    "only a limit": campaign(candidates(3), [observed(1, "c1", 1e-10, censored=True)]),
    "elsewhere": campaign(candidates(3), [observed(1, "c1", 1e-3, temperature_c=80.0)]),
    "only pending": campaign(candidates(3), [], [asked(1, candidates(3)[0], -3.0, "pending")]),
    "all measured": all_measured(),
    "full": full(),
}


def said(state: CampaignState, events: Sequence[Event] = ()) -> str:
    """Return all that the sections of a report say."""
    parts = []
    for section in sections_of(facts_of(state, events), outlook=True):
        parts += [section.title, *section.paragraphs]
        if section.table is not None:
            parts += [" ".join(row) for row in section.table.rows]
    return "\n".join(parts)


@pytest.mark.parametrize("name", STATES)
def test_every_campaign_has_a_report_that_is_sound(name: str) -> None:
    state = STATES[name]
    text = html_report(state, events_of(state), outlook=outlook_of(state))
    page = Page(text)
    assert "nan" not in page.text.lower().split() and "None" not in page.text.split()
    drawn = [attributes["data-for"] for tag, attributes in page.tags if tag == "script" and "data-for" in attributes]
    assert drawn == [attributes["id"] for _, attributes in page.tags if attributes.get("class") == "chart"]
    outside = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert outside == []


def test_what_a_user_writes_is_text() -> None:
    state, events = hostile()
    text = html_report(state, events, outlook=outlook_of(state))
    page = Page(text)
    assert page.text.count("alert(1)") >= 5, "it is shown"
    assert {tag for tag, _ in page.tags} & {"b", "i"} == set()
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert len(scripts) == 3 + sum("data-for" in attributes for attributes in scripts)
    figures = [script for script in page.scripts if script.startswith('{"data"')]
    assert figures and "<" not in "".join(figures), "nothing in a figure ends its script"
    labels = json.dumps([json.loads(figure) for figure in figures])
    assert "alert(1)" in labels and "<script" not in labels and "<b " not in labels


def test_the_numbers_are_those_of_the_campaign() -> None:
    facts = facts_of(full(), ())
    assert (facts.n_measured, facts.n_failed, len(facts.state.pending), len(facts.state.left)) == (11, 1, 2, 6)
    assert facts.best is not None and facts.best.candidate == "c4"
    exact = [
        (math.log10(value), mean)
        for value, mean in zip(MEASURED, PREDICTED, strict=True)
        if value is not None and value != 1e-10
    ]
    assert facts.foresight is not None
    assert (facts.foresight.n, facts.foresight.n_exact) == (11, 10)
    assert facts.foresight.mean_absolute_error == pytest.approx(sum(abs(y - x) for y, x in exact) / 10)
    # The limit at 1e-10 lies below the interval from -6 to -4, as c3 lies below its own.
    assert facts.foresight.covered == sum(abs(y - x) <= 1.0 for y, x in exact)
    assert [one.candidate for one in facts.surprises] == ["c11", "c3"]
    assert facts.surprises[0].outside == pytest.approx(4.0)
    best = [one.best_so_far for one in facts.measured]
    assert best == sorted(value for value in best if value is not None)
    sulfides = next(family for family in facts.families if family.name == "sulfides")
    assert (sulfides.measured, sulfides.hits, sulfides.failed, sulfides.left) == (8, 6, 0, 0)
    assert sulfides.best == pytest.approx(math.log10(1.2e-2))
    for family in facts.families:
        members = sum(one.family == family.name for one in facts.state.candidates)
        assert family.measured + family.failed + family.pending + family.left == members


def test_a_limit_is_covered_where_the_interval_reaches_it() -> None:
    ones = candidates(2)
    for limit, inside in ((1e-3, True), (1e-5, False)):
        state = campaign(ones, [observed(1, "c1", limit, censored=True)], [asked(1, ones[0], -3.5)])
        foresight = facts_of(state, ()).foresight
        assert foresight is not None and (foresight.covered == 1) is inside
        assert foresight.mean_absolute_error is None


def test_only_predictions_made_before_count() -> None:
    ones = candidates(2)
    late = asked(1, ones[0], -3.0)
    before = observed(1, "c1", 1e-3, at=BEGUN - timedelta(days=1))
    assert facts_of(campaign(ones, [before], [late]), ()).foresight is None
    assert facts_of(campaign(ones, [observed(1, "c1", 1e-3)], [late]), ()).foresight is not None


def test_measurements_at_another_temperature_are_brought_to_the_goal_or_left_out() -> None:
    near = observed(1, "c1", 1e-3, temperature_c=22.0)
    far = observed(2, "c2", 1e-2, temperature_c=80.0)
    led = observed(3, "c3", 1e-2, temperature_c=80.0, activation_energy=0.3)
    facts = facts_of(campaign(candidates(3), [near, far, led]), ())
    values = [one.log10_conductivity for one in facts.measured]
    assert values[:2] == [-3.0, None]
    # log10 of sigma falls by Ea times the step in inverse temperature.
    assert values[2] == pytest.approx(-2.0 + 0.3 * inverse_temperature_step(80.0))
    assert facts.elsewhere == 1 and "1 measurement at other temperatures" in said(facts.state)


def test_repeats_of_one_candidate_are_one_candidate() -> None:
    facts = facts_of(campaign(candidates(2), [observed(1, "c1", 1e-3), observed(2, "c1", 1e-5)]), ())
    assert facts.n_measured == 1
    assert facts.families[0].best == pytest.approx(-4.0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no candidate", "There are no candidates."),
        ("nothing done", "Nothing has been measured yet."),
        ("only failures", "No synthesis has worked yet"),
        ("only a limit", "No conductivity at 25 °C is known yet."),
        ("one measured", "The best so far is Li6PS5Cl (c1) with 1 mS/cm at 25 °C (sulfides)."),
        ("one measured", "No measurement had a prediction made before it."),
        ("all measured", "Every candidate was tried."),
        ("only pending", "1 experiment suggested and not yet measured."),
        ("full", "Of 11 measurements that were predicted beforehand, 9 were within the interval"),
        ("full", "No element goes along with"),
        ("full", "molten"),
    ],
)
def test_the_words_fit_the_campaign(name: str, words: str) -> None:
    assert words in said(STATES[name])


def test_the_goal_is_put_into_words() -> None:
    goal = Goal(stability="constraint", cost="constraint", cost_below=100.0, avoid=("Ge", "Tl"), acquisition="log_ei")
    assert goal_text(goal) == (
        "A high lithium-ion conductivity at 25 °C. A material is to be stable against lithium metal (a reaction energy "
        "above -0.1 eV per atom), consist of elements for at most 100 US dollars per kg and hold no Ge or Tl. "
        "Chosen by expected improvement over the best so far."
    )
    both = goal_text(Goal(stability="objective", cost="objective", acquisition="variance"))
    assert both.startswith("A high lithium-ion conductivity at 25 °C, stability against lithium metal and a low price")


def test_an_element_that_matters_is_named_and_its_companions_with_it() -> None:
    measured = [(("Li", "P", "S", "Cl"), -3.0 + 0.01 * n) for n in range(8)]
    measured += [(("Li", "La", "Zr", "O"), -6.0 - 0.01 * n) for n in range(8)]
    effects = element_effects(measured)
    assert [effect.symbols for effect in effects] == [("Cl", "P", "S"), ("La", "O", "Zr")]
    assert effects[0].median_with == pytest.approx(-2.965) and effects[0].median_without == pytest.approx(-6.035)
    assert all(effect.p_value < LEVEL for effect in effects)
    # Four of a kind are tested, three are not.
    assert element_effects(measured[:3] + measured[8:11]) == ()
    assert element_effects([(("Li", "S"), -3.0)] * 5 + [(("Li", "O"), -3.0)] * 5) == ()


def test_no_element_is_named_by_chance_more_often_than_stated() -> None:
    import numpy as np

    generator = np.random.default_rng(0)
    elements = np.array(["O", "S", "P", "Cl", "La", "Ge", "Zr", "Br"])
    named = 0
    for _ in range(200):
        held = generator.random((24, elements.size)) < 0.4
        values = generator.normal(-4.0, 1.5, 24)
        named += bool(element_effects([(tuple(elements[row]), value) for row, value in zip(held, values, strict=True)]))
    # 200 LEVEL = 10 are allowed; 20 is three standard deviations above.
    assert named <= 20


def test_the_facts_are_json() -> None:
    for state in STATES.values():
        document = facts_of(state, events_of(state)).as_dict()
        assert json.loads(json.dumps(document, allow_nan=False))["candidates"] == len(state.candidates)


def test_figures_use_colours_that_the_dark_scheme_knows() -> None:
    state = full()
    figures = figures_of(facts_of(state, ()), outlook_of(state))
    assert set(figures) == set(ALL_FIGURES)
    used = {
        colour for figure in figures.values() for colour in re.findall(r'"(#[0-9a-fA-F]+)"', figure.to_json() or "")
    }
    assert used and used <= set(DARK)


def test_an_outlook_has_as_many_values_as_candidates() -> None:
    with pytest.raises(InvalidValue) as caught:
        Outlook(["a", "b"], [-3.0], [-4.0], [-2.0])
    assert caught.value.field == "outlook"


@pytest.mark.parametrize(
    ("action", "detail", "words"),
    [
        (
            "new",
            {"n_candidates": 20, "n_observed": 3, "source": "a.csv"},
            "began with 20 candidates and 3 measurements, from a.csv",
        ),
        ("suggest", {"candidates": ["c1", "c2"], "batch": 1}, "suggested c1, c2"),
        ("suggest", {"candidates": [f"c{n}" for n in range(15)]}, "c10, c11 and 3 more"),
        ("observe", {"candidates": ["c1", "c2"], "values": ["1 mS/cm", "failed"]}, "observed c1: 1 mS/cm, c2: failed"),
        ("withdraw", {"candidates": ["c1"], "reason": "no time"}, "withdrew c1: no time"),
        ("undo", {"event": 6, "reason": "typo"}, "undid step 6: typo"),
        ("moved", {"to_where": ["a", 1.5, {"b": 2}], "nothing": None}, "moved: to where a, 1.5, b 2"),
        ("moved", {}, "moved"),
    ],
)
def test_the_history_is_in_words(action: str, detail: dict[str, Any], words: str) -> None:
    text = said(campaign(candidates(1)), [Event(2, action, "Ada", BEGUN, detail, undone_by=3)])
    assert f"{words} (undone by step 3)" in text


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.none() | st.floats(-14.0, 0.0), st.booleans(), st.floats(-10.0, -1.0)),
        max_size=12,
    )
)
def test_any_history_adds_up(steps: list[tuple[int, float | None, bool, float]]) -> None:
    ones = candidates(6)
    observations = []
    for number, (place, value, censored, _) in enumerate(steps, 1):
        sigma = None if value is None else 10.0**value
        observations.append(observed(number, ones[place].id, sigma, censored=censored and value is not None))
    suggestions = [asked(number, ones[place], mean) for number, (place, *_, mean) in enumerate(steps, 1)]
    facts = facts_of(campaign(ones, observations, suggestions), ())
    assert facts.n_measured + facts.n_failed == len({place for place, *_ in steps})
    assert sum(family.measured for family in facts.families) == facts.n_measured
    exact = [value for _, value, censored, _ in steps if value is not None and not censored]
    best = facts.best
    assert (best.log10_conductivity if best else None) == (pytest.approx(max(exact)) if exact else None)
    if facts.foresight is not None:
        assert 0 <= facts.foresight.covered <= facts.foresight.n
        assert facts.foresight.n - facts.foresight.covered >= len(facts.surprises)
    assert [section.title for section in sections_of(facts)][:2] == ["Goal", "Where we stand"]
    assert figures_of(facts, None).keys() <= set(ALL_FIGURES)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield Chromium."""
    with chromium() as running:
        yield running


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("full", {"color_scheme": "dark"}),
        ("hostile", {"viewport": {"width": 390, "height": 800}, "is_mobile": True}),
        ("only failures", {}),
    ],
)
def test_the_page_draws_itself_without_a_network(
    browser: Any, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    state, events = hostile() if name == "hostile" else (STATES[name], events_of(STATES[name]))
    path = tmp_path / "report.html"
    path.write_text(html_report(state, events, outlook=outlook_of(state)), encoding="utf-8", newline="\n")
    context = browser.new_context(offline=True, **options)
    try:
        page = context.new_page()
        faults: list[str] = []
        asked_for: list[str] = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked_for.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_function(
            "() => [...document.querySelectorAll('.chart')].every(c => c.querySelector('.main-svg'))"
        )
        drawn = page.evaluate("[...document.querySelectorAll('.chart')].map(c => c.id)")
        expected = {"full": ALL_FIGURES, "hostile": ALL_FIGURES[:3], "only failures": ALL_FIGURES[2:]}
        assert drawn == list(expected[name])
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing sticks out"
        if name == "full":
            ink = "document.querySelector('#progress .xtick text').style.fill"
            assert page.evaluate(ink) == "rgb(229, 233, 237)"
            page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            assert page.evaluate(ink) == "rgb(27, 33, 40)", "paper is light"
            points = page.evaluate("document.querySelectorAll('#progress .point').length")
            assert points >= sum(value is not None for value in MEASURED)
        assert faults == []
        assert [url for url in asked_for if not url.startswith(("file:", "data:", "blob:"))] == []
        # A script that did get in would not run.
        page.evaluate(
            "() => { const s = document.createElement('script'); s.text = 'window.ran = 1'; document.body.append(s); }"
        )
        assert page.evaluate("window.ran === undefined") and "Content Security Policy" in faults[0]
    finally:
        context.close()
