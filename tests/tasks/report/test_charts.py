import pytest

from tasks.evidence import Cost, Economics
from tasks.report.charts import cost_chart


def economics(teaching: float | None, pays: int | None, **known: float | None) -> Economics:
    costs = [
        Cost(
            system=system,
            usd_per_thousand=usd,
            basis="",
            input_tokens=0,
            output_tokens=0,
            seconds_p50=0,
            seconds_p95=0,
        )
        for system, usd in ({"teacher": 3.0, "student": 1.0} | known).items()
    ]
    return Economics(
        costs=costs, teaching_usd=teaching, judging_usd=1, lost_usd=0.5, training_usd=0.5, requests_to_pay=pays
    )


@pytest.mark.parametrize(
    ("pays", "title"),
    [(2000, "it pays after 2,000 requests"), (0, "it pays from the first request on"), (None, "it does not pay")],
)
def test_the_title_says_whether_and_when_it_pays(pays: int | None, title: str) -> None:
    chart = cost_chart(economics(2.0, pays))
    assert chart
    assert chart.title == f"Dollars paid in all: {title}"


def test_the_lines_meet_where_the_title_says() -> None:
    chart = cost_chart(economics(2.0, 2000))
    assert chart
    assert "After 4,000 requests: teacher $12.00, student $8.00. Making the student cost $4.00, with" in chart.words


@pytest.mark.parametrize("unknown", [economics(None, None), economics(2.0, None, student=None)])
def test_there_is_no_chart_of_costs_that_nobody_knows(unknown: Economics) -> None:
    assert cost_chart(unknown) is None
