import re

from tasks.evidence import Measure, Monitored, Moved, Seen, Traffic, Watched
from tasks.report import render_monitored
from tests.tasks.report.test_page import CONTROLS, SCRIPT, Page


def monitored(name: str = "intent", audits: int = 3) -> Monitored:
    """Audits of a student that fell in a slice; every text from data is the one given."""
    measure = Measure(mean=0.9, low=0.8, high=0.95, n=180, groups=180)
    fell = {"before": 0.95, "now": 0.5, "rows_before": 600, "rows": 40, "looks": 2, "drop": 0.45}
    return Monitored(
        project="support",
        version=3,
        state="retrain",
        reasons=[f"agreement on {name} fell", "the mix of slices moved"],
        at=1.7e9,
        traffic=Traffic(rows=900, outcomes={"not_drawn": 700, "audited": 200}, usd=0.52),
        promotion={name: measure},
        seen=[
            Seen(number=number + 1, at=1.7e9 - 604800 * (audits - number), rows=200, agreement={name: measure})
            for number in range(audits)
        ],
        watched=[
            Watched(metric=name, slice=slice, chance=1e-7, allowed=1e-4, found=found, **fell)
            for slice, found in (("all", "perhaps"), (name, "yes"))
        ],
        moved=[Moved(about=name, words=name, size=0.5, matters=0.1, chance=0.001, allowed=0.01, found="yes")],
        gathered=600,
        new_rows=600,
    )


def test_the_page_says_what_was_found_why_and_what_it_cost() -> None:
    said = " ".join(re.sub(r"<[^>]+>", " ", render_monitored(monitored())).split())
    assert "To be trained anew: version 3, 2023-11-14" in said
    assert "agreement on intent fell" in said
    assert "95.0 % of 600 50.0 % of 40 45.0 2 1e-07 0.0001 ✗ drift" in said
    assert "900 rows came in: 700 not drawn, 200 audited. This look cost $0.52. 600 rows are gathered" in said
    assert said.count("2023-11-07") >= 2


def test_hostile_texts_stand_as_texts() -> None:
    assert Page(render_monitored(monitored(SCRIPT))).count("script") == 0
    assert not {"\x00", "\u202e"} & set(render_monitored(monitored(CONTROLS)))


def test_before_any_audit_there_is_a_page() -> None:
    bare = monitored(audits=0).model_copy(update={"watched": [], "moved": [], "reasons": []})
    assert "Nothing was audited yet." in render_monitored(bare)
    assert render_monitored(bare) == render_monitored(bare)
