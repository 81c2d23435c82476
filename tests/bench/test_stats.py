"""The statistics, against values worked out by hand."""

import pytest

from bench.stats import Spread, median, percentile, slope, spread


def test_percentile_is_a_value_that_was_measured():
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 0.5) == 3.0
    assert percentile(values, 0.99) == 5.0
    assert percentile(values, 0.0) == 1.0
    assert percentile(values, 1.0) == 5.0
    assert percentile([float(n) for n in range(1, 101)], 0.99) == 99.0


def test_percentile_refuses_to_invent():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match=r"0\.\.1"):
        percentile([1.0], 99)


def test_median_of_odd_and_even():
    assert median([9.0, 1.0, 3.0]) == 3.0
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.5
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_spread_leaves_out_rounds_without_a_figure():
    assert spread([3.0, None, 1.0, 2.0]) == Spread(median=2.0, low=1.0, high=3.0, rounds=3)
    assert spread([None, None]) is None


def test_slope_is_the_cost_of_one_more():
    assert slope(2.0, 12.0, 5) == 2.0
    with pytest.raises(ValueError, match="more items"):
        slope(1.0, 2.0, 0)
