"""Markdown tables and the cells in them."""

from dmml_tf.evaluation.tables import format_score, table


def test_a_table_and_its_cells():
    assert table(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"
    assert format_score(None) == "none"
    assert format_score({"value": 0.5, "low": 0.48, "high": 0.52, "n": 10}) == "0.500 (0.48 to 0.52)"
