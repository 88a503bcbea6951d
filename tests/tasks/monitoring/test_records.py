import pytest

from tasks.artifacts import Student
from tasks.evidence import Moved
from tasks.monitoring import Audit, Audits, Judged, Log

pytestmark = pytest.mark.usefixtures("either_database")

STUDENT = Student(fingerprint="a" * 64)
MOVED = Moved(about="texts", words="others", size=0.5, matters=0.1, chance=0, allowed=0.1, found="yes")


def an_audit(*rows: str) -> Audit:
    judged = [Judged(row, "all", row, "all", {"exact": 1.0}, {"words": 2.0}) for row in rows]
    return Audit(1.0, 0.02, {"all": 9}, [MOVED], judged, Log(9, "".join(rows)))


def test_audits_come_back_as_they_were_recorded_by_student() -> None:
    Audits().add("shop", STUDENT, an_audit("a", "b"))
    Audits().add("shop", STUDENT, an_audit("c"))
    assert Audits().of("shop", STUDENT) == [an_audit("a", "b"), an_audit("c")]
    assert Audits().of("other", STUDENT) == Audits().of("shop", Student(fingerprint="b" * 64)) == []


def test_a_row_is_audited_once_of_a_student() -> None:
    Audits().add("shop", STUDENT, an_audit("a"))
    Audits().add("shop", STUDENT, an_audit("a", "b"))
    assert [[row.row for row in audit.rows] for audit in Audits().of("shop", STUDENT)] == [["a"], ["b"]]


def test_an_audit_is_recorded_whole_or_not_at_all() -> None:
    with pytest.raises(AttributeError):
        Audits().add("shop", STUDENT, an_audit()._replace(rows=[*an_audit("a").rows, "none"]))  # type: ignore[list-item]
    assert Audits().of("shop", STUDENT) == []


def test_rows_of_a_log_that_has_an_audit_are_a_part_of_it() -> None:
    first, more = an_audit("a"), an_audit("b")
    Audits().add("shop", STUDENT, first)
    Audits().add("shop", STUDENT, more._replace(log=first.log, at=2.0, spent=1.0))
    assert Audits().of("shop", STUDENT) == [first._replace(rows=[*first.rows, *more.rows])]
