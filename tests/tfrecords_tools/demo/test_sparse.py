"""Hidden labels: the Million Song Dataset's shares to the track, the training tracks alone, the same for one seed."""

import csv
from collections import Counter

import pytest

from tfrecords_tools.demo.sparse import DIMENSIONS, LABELLED, hide_labels
from tfrecords_tools.errors import UserError


def table(path, tracks=1_000, others=20):
    """A CSV whose rows all have every label; returns its rows."""
    splits = ["train"] * tracks + ["valid"] * others
    rows = [
        {
            "track_id": f"t{n}",
            "path": f"audio/{n}.flac",
            "split": split,
            **dict.fromkeys(DIMENSIONS, "x"),
            "tempo": "90",
        }
        for n, split in enumerate(splits)
    ]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_training_tracks_keep_labels_at_the_datasets_shares(tmp_path):
    before = table(tmp_path / "all.csv")
    after = read(hide_labels(tmp_path / "all.csv", tmp_path / "sparse.csv"))
    kept = Counter(tuple(name for name in DIMENSIONS if row[name]) for row in after[:1_000])
    for names, count in LABELLED.items():
        assert kept[names] == pytest.approx(1_000 * count / 12_634, abs=1)
    # The paper's own counts, of the test split, lie within a percent: 87.7, 13.5 and 13.4.
    for name, share in (("genre", 0.877), ("mood", 0.135), ("instrument", 0.134)):
        assert sum(bool(row[name]) for row in after[:1_000]) / 1_000 == pytest.approx(share, abs=0.01)
    assert [row["tempo"] for row in after] == ["90"] * 1_020
    assert [{name: row[name] for name in DIMENSIONS} for row in after[1_000:]] == [dict.fromkeys(DIMENSIONS, "x")] * 20
    assert [row["path"] for row in after] == [str(tmp_path / row["path"]) for row in before]


def test_one_seed_hides_the_same_labels_and_another_others(tmp_path):
    table(tmp_path / "all.csv")
    texts = [hide_labels(tmp_path / "all.csv", tmp_path / "s.csv", seed).read_bytes() for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    "text, message",
    [
        (None, "cannot be read"),
        ("track_id,path,split,genre,mood\na,a.wav,train,x,y\n", "no column 'instrument'; it needs track_id"),
        ("track_id,path,split,genre,mood,instrument\n", "has no row"),
        ("track_id,path,split,genre,mood,instrument\na,a.wav,test,x,y,z\n", "no row's split is train"),
    ],
)
def test_a_table_that_cannot_lose_labels_is_one_line(text, message, tmp_path):
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        hide_labels(tmp_path / "t.csv", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
