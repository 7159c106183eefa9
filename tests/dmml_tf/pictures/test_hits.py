"""Pictures of results."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from dmml_tf.commands import search as command
from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.pictures.hits import plot_hits
from dmml_tf.search.index import Hit
from dmml_tf.search.query import by_tracks
from tests.dmml_tf.search.made import CONDITIONS, made_index
from tfrecords_tools.program import Command, dispatch


def drawn(monkeypatch, *arguments) -> tuple[list[str], list[tuple]]:
    """Texts, and (width, face or None) of the bars above their ground, of what is drawn."""
    figures = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: figures.append(self) or save(self, *a, **k))
    plot_hits(*arguments)
    axes = figures[0].axes[0]
    bars = axes.patches[1::2]
    texts = [text.get_text() for text in axes.texts]
    return texts, [(bar.get_width(), bar.get_hatch(), bar.get_edgecolor()) for bar in bars]


def test_each_result_has_its_names_labels_score_and_a_bar_a_condition(monkeypatch, tmp_path):
    index = made_index()
    hits = index.search(by_tracks(index, ["t005"]), {"tempo": 1.0}, 4)
    texts, bars = drawn(monkeypatch, ["query t005"], hits, {"tempo": 1.0}, index.conditions, tmp_path / "a.png")
    assert texts[:2] == ["query t005", "score"] and texts[2:10:2] == ["genre", "mood", "tempo", "whole"]
    assert texts[3:10:2] == ["× 0", "× 0", "× 1", "× 0"]
    for hit in hits:
        assert {
            hit.track["title"],
            hit.track["artist"],
            f"{hit.score:.2f}",
            hit.track["tempo"],
            hit.track["genre"].replace("|", ", "),
        } <= set(texts)
    cosines = np.array([list(hit.cosines.values()) for hit in hits]).ravel()
    widths = np.array([width for width, *_ in bars])
    np.testing.assert_allclose(widths / widths.max(), np.abs(cosines) / np.abs(cosines).max(), atol=1e-9)
    assert [hatch is not None for _, hatch, _ in bars] == (cosines < 0).tolist() and (cosines < 0).any()
    colours = {tuple(colour) for place, (_, hatch, colour) in enumerate(bars) if place % 4 == 2}
    others = {tuple(colour) for place, (_, hatch, colour) in enumerate(bars) if place % 4 != 2}
    assert len(colours) == len(others) == 1 and colours != others
    assert Image.open(tmp_path / "a.png").size[0] > 900 and [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    "title",
    ["$\\frac{1}{0$", "\x1b[2J\n\n", "音楽" * 40, "", "x" * 400, "\u202egnos"],
    ids=["formula", "control", "wide", "empty", "long", "turned"],
)
def test_any_title_can_be_drawn(monkeypatch, tmp_path, title):
    track = {"id": "a1", "title": title, "artist": title, "split": "test", "genre": title}
    hits = [Hit(track, 0.5, {"genre": 1.5})]
    texts, bars = drawn(monkeypatch, [title], hits, {"genre": 1.0}, CONDITIONS, tmp_path / "a.png")
    assert all(text.isprintable() for text in texts) and max(map(len, texts)) < 120
    assert bars[0][0] <= 1.25 and (tmp_path / "a.png").stat().st_size > 1000


def test_no_result_is_said_and_same_hits_give_same_bytes(monkeypatch, tmp_path):
    assert "no other track to find" in drawn(monkeypatch, ["query x"], [], {}, CONDITIONS, tmp_path / "a.png")[0]
    index = made_index()
    hits = index.search(by_tracks(index, ["t005"]), k=3)
    for name in ("b.png", "c.png"):
        plot_hits(["query"], hits, {"genre": 1.0}, index.conditions, tmp_path / name)
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "c.png").read_bytes() != (tmp_path / "a.png").read_bytes()


def test_a_label_is_that_of_the_conditions_own_column(monkeypatch, tmp_path):
    conditions = Conditions([SharedTag("style", column="genre", width=2)])
    hits = [
        Hit(
            {"id": "a", "title": "T", "artist": "A", "split": "", "genre": "jazz", "style": "no"},
            1.0,
            {"style": 0.5, "whole": 0.0},
        )
    ]
    texts, bars = drawn(monkeypatch, [], hits, {"style": 1.0}, conditions, tmp_path / "a.png")
    assert "jazz" in texts and "no" not in texts and "whole" not in texts and len(bars) == 1  # it was not asked of


def test_by_command_with_the_weights_that_were_used(monkeypatch, tmp_path, capsys):
    made_index().save(tmp_path / "index")
    commands, seen = [Command("search", "", "dmml_tf.commands.search")], []
    assert command.__name__ == commands[0].module
    monkeypatch.setattr("dmml_tf.pictures.hits.plot_hits", lambda *arguments: seen.append(arguments))
    for options in ([], ["--weights", "tempo=0.5"], ["--genre_of", "t001", "--tempo_of", "t002"]):
        track = ["--track", "t005"] if not options or options[0] == "--weights" else []
        arguments = ["search", "--run", str(tmp_path), *track, *options, "--picture", str(tmp_path / "p.png")]
        assert dispatch("dmml", "", commands, arguments) == 0
    assert [weights for _, _, weights, *_ in seen] == [
        {"genre": 1.0, "mood": 1.0, "tempo": 1.0},
        {"tempo": 0.5},
        {"genre": 1.0, "tempo": 1.0},
    ]
    assert [lines[0].split(":")[0] for lines, *_ in seen] == ["query t005", "query t005", "genre of t001"]
    assert len(seen[0][1]) == 5 and "t005" in capsys.readouterr().out
