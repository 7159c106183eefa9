import math

import numpy as np
import pytest

from tfrecords_tools.check.mutual_information import (
    chance_level,
    entropy,
    format_table,
    mutual_information,
    mutual_information_table,
)


def brute_force(a, b):
    """Sum over all pairs of states of p(a, b) log2 p(a, b) / (p(a) p(b)), in plain loops."""
    total, n = 0.0, len(a)
    for x in set(a):
        for y in set(b):
            joint = sum(p == x and q == y for p, q in zip(a, b)) / n
            if joint:
                total += joint * math.log2(joint / (list(a).count(x) / n) / (list(b).count(y) / n))
    return total


def test_one_tag_an_item_agrees_with_the_definition():
    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=60), rng.integers(3, size=60)
    assert mutual_information(a[:, None], b[:, None]) == pytest.approx(brute_force(a, b))


def test_several_tags_an_item_are_summed_as_yes_and_no():
    a = np.array([[0, 1], [0, -1], [1, 2], [2, -1], [0, 2], [1, -1]])
    b = np.array([0, 0, 1, 1, 0, 1])
    expected = sum(brute_force([tag in row for row in a], b) for tag in range(3))
    assert mutual_information(a, b[:, None]) == pytest.approx(expected)


def test_order_and_padding_of_tags_do_not_matter():
    a, b = np.array([[0, 1], [1, -1], [2, 0]]), np.array([[1, 0, -1], [-1, 1, -1], [0, -1, 2]])
    other = np.array([[0], [1], [1]])
    assert mutual_information(a, other) == mutual_information(b, other)


def test_values_are_cut_into_equally_filled_bins():
    values = np.arange(60.0) ** 3
    assert entropy(values, bins=6) == pytest.approx(math.log2(6))
    assert mutual_information(values, (np.arange(60) // 10)[:, None]) == pytest.approx(math.log2(6))


def test_a_column_tells_all_about_itself_and_is_symmetric():
    rng = np.random.default_rng(1)
    a, b = rng.integers(4, size=(50, 1)), rng.normal(size=50)
    assert mutual_information(a, a) == pytest.approx(entropy(a))
    assert mutual_information(a, b) == pytest.approx(mutual_information(b, a))


def test_crossed_columns_share_nothing():
    a, b = np.divmod(np.arange(12), 3)
    assert mutual_information(a[:, None], b[:, None]) == 0.0


def test_items_without_a_label_are_left_out():
    tags, values = np.array([[0], [1], [-1], [0], [1]]), np.array([60.0, 120.0, 90.0, np.nan, 121.0])
    assert mutual_information(tags, values, bins=2) == pytest.approx(
        mutual_information(tags[[0, 1, 4]], values[[0, 1, 4]], bins=2)
    )


def test_nothing_labelled_is_no_information():
    none, some = np.full((3, 1), -1), np.array([[0], [1], [2]])
    assert mutual_information(none, some) == 0.0
    assert entropy(none) == 0.0
    assert entropy(np.full(3, np.nan)) == 0.0
    assert mutual_information(np.full(3, np.nan), some) == 0.0


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="3 and 2"):
        mutual_information(np.zeros((3, 1), int), np.zeros(2))


def test_chance_level_lies_between_nothing_and_everything():
    a = np.repeat(np.arange(4), 10)[:, None]
    floor = chance_level(a, a)
    # Miller and Madow: (4 - 1)(4 - 1) / (2 * 40 * ln 2) = 0.162 bits.
    assert 0.08 < floor < 0.25
    assert chance_level(a, a) == floor


def test_table_holds_entropies_on_its_diagonal():
    labels = {"genre": np.array([[0], [1], [0], [1]]), "tempo": np.array([60.0, 70.0, 80.0, 90.0])}
    table = mutual_information_table(labels, bins=2)
    assert table == {"genre": {"genre": 1.0, "tempo": 0.0}, "tempo": {"genre": 0.0, "tempo": 1.0}}
    lines = format_table(table).splitlines()
    assert lines[0].split() == ["bits", "genre", "tempo"]
    assert lines[1].split() == ["genre", "[1.000]", "0.000"]
