from pathlib import Path

from flows.operation.artifacts import passed, scores, verdict
from flows.operation.progress import artifact_key
from tests.tasks.report.runs import evidence

REPORT = Path("/runs/v1/report.html")


def test_the_verdict_is_told_with_its_reasons_and_causes() -> None:
    told = verdict(evidence("text"), REPORT)
    assert told.startswith("# Promote: support version 3\n\nIt is the champion.\n\n- **✓ holds** text\n")
    assert "- **thin\\_slices** gift has few rows" in told
    assert told.endswith("/runs/v1/report.html (`stillhouse report FILE --version 3 --open` shows it there)")


def test_texts_from_data_are_no_markup() -> None:
    told = verdict(evidence("a\n# b <script> [x](javascript:y) | \u202e"), REPORT)
    assert "a \\# b &lt;script&gt; \\[x\\]\\(javascript:y\\) \\| \\u202e".replace("\\u202e", "\\\\u202e") in told
    assert told.count("\n# ") == 0


def test_the_table_has_a_row_a_metric_and_a_column_a_system() -> None:
    assert scores(evidence()) == [
        {
            "metric": "intent",
            "rows": "1",
            "teacher": "50 % [40–60]",
            "base": "60 % [50–70]",
            "student": "70 % [60–80]",
        }
    ]


def test_the_funnel_has_a_row_an_outcome() -> None:
    assert passed(evidence()) == [{"stage": "filter", "outcome": "name", "rows": 6, "went on": "no"}]


def test_a_key_is_one_that_prefect_takes() -> None:
    assert artifact_key("verdict", "My Project_2!") == "verdict-my-project-2"
    assert artifact_key("verdict", "日本") == "verdict"
