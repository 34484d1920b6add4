import operator
from functools import partial

import pytest

from training.pool import spread


def test_results_come_in_order_from_each_process_own_state() -> None:
    items = range(150)  # more than are handed out at once
    assert list(spread(operator.add, items, make=partial(int, "1000"), jobs=2, unit="sum")) == [1000 + i for i in items]


def test_an_error_in_a_process_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(operator.truediv, [2, 0], make=partial(int, "1"), jobs=1, unit="quotient"))
