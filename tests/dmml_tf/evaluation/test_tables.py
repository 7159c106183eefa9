"""Markdown tables and the cells in them."""

from dmml_tf.evaluation.tables import format_score, markdown


def test_a_table_and_its_cells():
    lines = ["| a    |   b |", "|:-----|----:|", "| x\\|y |   1 |", "| z    | 200 |"]
    assert markdown(["a", "b"], [["x|y", "1"], ["z", "200"]]).splitlines() == lines
    assert markdown(["a|", "1.50"], []).splitlines()[0].replace(" ", "") == "|a\\||1.50|"
    assert format_score(None) == "none"
    assert format_score({"value": 0.5, "low": 0.48, "high": 0.52, "n": 10}) == "0.500 (0.48 to 0.52)"
