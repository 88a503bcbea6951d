import pytest
from pydantic import ValidationError

from tasks.artifacts import Tally


def test_a_tally_refuses_a_lost_row_and_one_counted_twice() -> None:
    with pytest.raises(ValidationError, match="a row was lost or counted twice"):
        Tally(rows_in=3, outcomes={"kept": 2})
    with pytest.raises(ValidationError, match="a row was lost or counted twice"):
        Tally(rows_in=3, outcomes={"kept": 2, "dropped": 2})


def test_a_tally_says_what_became_of_the_rows() -> None:
    assert Tally(rows_in=3, outcomes={"kept": 2, "refused": 1, "empty": 0}).words() == "3 rows in: 2 kept, 1 refused"
