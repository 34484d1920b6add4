from tests.training.test_tables import SCORES
from training.report import accuracy_tables


def test_there_is_a_table_for_each_question_and_each_group() -> None:
    tables = accuracy_tables(SCORES)
    assert len(tables) == 7
    assert sum("by skin tone" in table for table in tables) == 1
    assert sum("| student |" in table for table in tables) == 6  # all but that of the nearest answer of any
