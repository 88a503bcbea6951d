import base64
import hashlib
import re
import time
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tasks.evidence import (
    DroppedExample,
    Economics,
    Evidence,
    FailureMode,
    Outcome,
    People,
    Scores,
    Stopped,
    Tried,
    Verdict,
)
from tasks.report import render, render_stopped
from tests.tasks.report.runs import SYSTEMS, estimate, evidence, run

OLD = Path(__file__).parent / "old"
SCRIPT = "</pre></td><script>alert('gone')</script><img src=x onerror=alert(1)> & \"quoted\" {{ 7 * 7 }} {% raw %}"
CONTROLS = "\x00\x07\x1b[31mred\r\u202eeert\u2066\u200b\ud83d"
LONG = "word " * 200_000


@cache
def plain() -> str:
    return render(evidence())


class Page(HTMLParser):
    """Every tag with its attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.titles: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.tags and self.tags[-1][0] == "title":
            self.titles.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def test_the_page_has_a_language_a_title_and_one_heading_above_the_others() -> None:
    page = Page(plain())
    assert dict(page.tags)["html"] == {"lang": "en"}
    assert (page.count("h1"), page.count("main"), page.count("header")) == (1, 1, 1)
    assert page.titles[0] == "support, version 3: promote"


def test_every_drawing_has_a_title_and_says_in_words_what_it_shows() -> None:
    source = plain()
    page = Page(source)
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    names = {attributes.get("id") for _, attributes in page.tags}
    assert len(drawings) == 5
    for attributes in drawings:
        assert attributes["role"] == "img"
        assert set((attributes["aria-labelledby"] or "").split()) <= names
    assert "intent: teacher 50 % [40–60], base 60 % [50–70], student 70 % [60–80]" in page.text
    assert "After 6,042 requests: teacher $25.38, student $14.51. Making the student cost $14.33, with" in page.text


def test_no_two_elements_have_the_same_id() -> None:
    ids = [attributes["id"] for _, attributes in Page(plain()).tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_drawings_leave_their_colours_to_the_page() -> None:
    source = plain()
    drawn = "".join(re.findall(r"<svg.*?</svg>", source, re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) <= {"#ffffff", "#000000"}
    assert "var(--student)" in drawn


@pytest.mark.parametrize("text", ["text", SCRIPT], ids=["plain", "hostile"])
def test_the_page_needs_no_network_and_runs_no_script_but_its_own(text: str) -> None:
    source = render(evidence(text, text))
    page = Page(source)
    assert page.count("script") == 1
    assert page.count("link") == page.count("iframe") == page.count("img") == 0
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "xlink:href"}:
                assert (value or "").startswith("#")
            if not name.startswith("xmlns"):
                assert "://" not in (value or "")
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes) or ""
    own = source[source.index("<script>") + 8 : source.index("</script>")]
    assert policy.startswith("default-src 'none';")
    assert base64.b64encode(hashlib.sha256(own.encode()).digest()).decode() in policy


def test_markup_in_data_is_shown_as_text() -> None:
    harmless, hostile = Page(plain()), Page(render(evidence(SCRIPT, SCRIPT)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert hostile.text.count("<script>alert('gone')</script>") >= harmless.text.count("text") - 10 > 20


def test_control_characters_in_texts_are_made_visible() -> None:
    page = render(evidence(CONTROLS).model_copy(update={"reasons": []}))
    assert "\\u0000\\u0007\\u001b[31mred\\u000d\\u202eeert\\u2066\\u200b\\ud83d" in page
    assert not set(page) & set(CONTROLS) - set("[31mred eert")


def test_control_characters_in_ids_and_slices_are_made_visible() -> None:
    page = render(evidence(name="row\u202e\x00"))
    assert not {"\u202e", "\x00"} & set(page)


def test_a_very_long_text_is_cut_and_says_how_long_it_was() -> None:
    page = render(evidence(LONG))
    assert len(page) < 200_000
    assert f"({len(LONG):,} characters)" in page


def test_a_very_long_id_or_slice_is_cut() -> None:
    assert len(render(evidence(name=LONG))) < 200_000


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("promote", "the student may go on stage"),
        ("reject", "the student stays off stage"),
        ("inconclusive", "these rows cannot tell"),
    ],
)
def test_the_verdict_stands_at_the_top_with_its_reasons_the_worst_first(verdict: Verdict, words: str) -> None:
    text = " ".join(Page(render(evidence(verdict=verdict, on_stage=False))).text.split())
    top = text[: text.index("At a glance")]
    assert words in top
    assert "It is not the champion." in top
    assert top.index("? unsettled more") < top.index("✓ holds text")
    assert "thin_slices gift has few rows" in top
    assert "This holdout has decided 2 of at most 20 times." in top


def test_the_weakest_slice_comes_first() -> None:
    text = Page(render(evidence(name="a-slice"))).text
    heat = text[text.index("by slice and metric") : text.index("What answers cost")]
    assert heat.index("gift") < heat.index("a-slice")


def test_every_outcome_of_a_stage_is_counted() -> None:
    assert "2,199 picked, 1 not_drawn" in Page(render(run(rows=2_200))).text


def test_the_funnel_counts_by_slice_and_in_all() -> None:
    outcomes = [
        Outcome(stage="sample", outcome="picked", leaves=False, slices={"a": 5, "b": 2}),
        Outcome(stage="filter", outcome="kept", leaves=False, slices={"a": 3}),
        Outcome(stage="filter", outcome="refused", leaves=True, slices={"a": 2, "b": 2}),
    ]
    source = render(evidence(funnel=outcomes))
    table = source[source.index("The funnel, by slice") : source.index("Rows that went no further, some")]
    cells = re.sub(r"<[^>]+>", " ", table[table.index("<thead>") : table.index("</table>")]).split()
    assert " ".join(cells) == "sample filter slice picked kept refused all slices 7 3 4 a 5 3 2 b 2 2"


def test_the_examples_of_a_reason_are_shown_slice_by_slice_and_not_without_end() -> None:
    many = [
        DroppedExample(reason="refused", id=f"row-{number:04d}", slice="s", said="", answer="", evidence="")
        for number in range(1_000)
    ]
    text = Page(render(evidence(dropped=many))).text
    assert "filter: refused" in text
    assert "row-0000" in text
    assert "row-0999" not in text


def test_what_people_say_is_told_with_its_interval_and_left_out_where_nobody_said() -> None:
    text = Page(plain()).text
    assert "0 approved, 2 corrected, 0 vetoed" in text
    assert "1 more are of rows that are gone" in text
    assert "20 % [10–30]" in text
    assert "What people say of the teacher" not in Page(render(evidence(people=People()))).text


def test_what_a_sample_covers_and_where_answers_are_alike_is_told() -> None:
    text = Page(plain()).text
    assert "What the sample covers" in text
    assert "95 % of 60 answers are alike in opening" in text
    assert "judged its own answers" not in text
    own = {"filter": {"rules": [{"rule": "judged", "same_as_teacher": True}]}}
    assert "The teacher judged its own answers" in Page(render(evidence().model_copy(update={"config": own}))).text


@pytest.mark.parametrize("path", sorted(OLD.glob("*.json")), ids=lambda path: path.stem)
def test_evidence_of_an_older_run_is_still_shown(path: Path) -> None:
    old = Evidence.model_validate_json(path.read_text())
    page = Page(render(old))
    assert old.comparisons[0].id in page.text
    assert "Systems side by side" in page.text
    assert "6 of 6" in page.text or "rows are judged by an approved answer" in page.text
    assert page.count("svg") >= 4


def test_the_five_worst_rows_come_first_and_lead_to_the_whole_texts() -> None:
    source = render(run(rows=1_000))
    page = Page(source)
    first = source[source.index('id="worst"') : source.index("<nav")]
    assert re.findall(r'href="#row-(\d)"', first) == ["1", "2", "3", "4", "5"]
    assert {f"row-{number}" for number in range(1, 241)} <= {each.get("id") for _, each in page.tags}
    said = " ".join(page.text.split())
    assert "the student scored below the teacher on 100 of 1,000 rows. 240 rows stand here" in said
    assert "the last 40 drawn at random" in said


def test_where_the_student_is_nowhere_worse_no_disagreement_is_made_up() -> None:
    row = evidence().comparisons[0]
    fine = row.model_copy(update={"scores": {system: {"intent": 1.0} for system in SYSTEMS}})
    assert "On no row shown did the student score below" in Page(render(evidence(comparisons=[fine]))).text


def test_a_page_of_ten_thousand_rows_four_systems_and_sixty_slices_is_small_and_soon_there() -> None:
    large = run(rows=10_000, slices=60, systems=4, metrics=8, text='{"intent": "return", "reply": "Of course."} ' * 40)
    started = time.process_time()
    page = render(large)
    assert time.process_time() - started < 5
    assert len(page.encode()) < 5_000_000


def test_the_largest_page_of_the_worst_texts_is_below_five_megabytes() -> None:
    assert len(render(run(rows=10_000, slices=60, systems=4, metrics=8, text="<\u202e" * 5_000)).encode()) < 5_000_000


def test_a_run_of_which_nothing_is_known_still_has_its_page() -> None:
    bare = evidence(
        training=evidence().training.model_copy(update={"curve": []}),
        scores=Scores(estimates=[], differences=[]),
        **{
            name: [] for name in ("reasons", "prompts", "stages", "usage", "dropped", "funnel", "coverage", "collapsed")
        },
        **{name: [] for name in ("comparisons", "answered", "ceiling", "judging", "failure_modes", "causes")},
        people=People(),
        economics=Economics(),
        wear=None,
        learning_curve=None,
        config={},
    )
    page = Page(render(bare))
    assert page.count("svg") == 0
    assert "No slice was measured by itself." in page.text


def test_a_run_that_stopped_has_a_page_that_says_where_and_why() -> None:
    stopped = Stopped(project="support", stage="filter", words=SCRIPT, stages=evidence().stages[:2])
    page = Page(render_stopped(stopped))
    assert "Stopped in filter: no student was judged." in page.text
    assert SCRIPT in page.text
    assert page.count("svg") == 1
    nothing = Page(render_stopped(stopped.model_copy(update={"stages": []})))
    assert "No stage was finished." in nothing.text


def test_failure_modes_judges_ceiling_and_cost_are_told() -> None:
    said = " ".join(Page(plain()).text.split())
    assert said.index("✗ it shows") < said.index("? cannot be told") < said.index("✓ it does not")
    assert "90 % [80–95] of 40" in said
    assert "✗ text" in said
    assert "97 % [87–100]" in said
    assert "+70 [+60, +80] would show 5.0" in said
    assert "3 examples 40.0 % of 44 rows" in said
    assert "+10 [0, +20] points" in said
    assert "The student has paid for itself after 3,021 requests." in said
    assert "Teaching cost $12.50, training $0.08 and 1.5 h, judging $1.50." in said


def test_a_ratio_of_perplexities_is_a_multiple_and_no_share() -> None:
    ratio = estimate("student", 1.05, "perplexity", "prose")
    mode = FailureMode(mode="perplexity", fires="no", words="", threshold=2.0, estimates=[ratio])
    assert "1.05 times [0.95–1.00]" in Page(render(evidence(failure_modes=[mode]))).text


def test_the_same_evidence_gives_the_same_page() -> None:
    assert render(evidence()) == render(evidence())


@pytest.mark.parametrize("metric", ["intent < action & more", "tone_of_voice", "{{ 7 * 7 }}"])
def test_a_metric_may_have_any_name(metric: str) -> None:
    marks = [estimate(system, 0.5, metric) for system in ("teacher", "base", "student")]
    page = Page(render(evidence(scores=Scores(estimates=marks, differences=[]))))
    assert page.text.count(metric) >= 2


def test_a_metric_may_have_dollars_in_its_name() -> None:
    marks = [estimate(system, 0.5, "$ in \\frac{$") for system in ("teacher", "base", "student")]
    assert "$ in \\frac{$" in Page(render(evidence(scores=Scores(estimates=marks, differences=[])))).text


def test_how_it_learned_is_said_with_every_rate_that_was_tried() -> None:
    training = evidence().training.model_copy(
        update={
            "method": "lora",
            "learning_rate": 0.001,
            "best_step": 6,
            "searched": [
                Tried(learning_rate=0.001, validation_loss=1.5),
                Tried(learning_rate=0.5, validation_loss=None),
            ],
        }
    )
    page = render(evidence().model_copy(update={"training": training}))
    assert "(lora, learning rate 0.001; the weights kept are those of step 6)" in page
    assert "0.001 (1.500), 0.5 (diverged)." in page
