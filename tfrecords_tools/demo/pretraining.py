"""One table of real songs, labelled by a network's opinion, and of rendered songs, whose labels are true.

The real songs are those of `dmml-records debian_music`; they train and validate, each in the split of its package. The
rendered ones are the demo corpus's music with more sounds (`tfrecords_tools.demo.variety`); they train and validate
too, and all of the test split is rendered: by bands, and from scores, of which the training holds none.

What a word means:

- Rendered genres and moods are words of their own, `rendered rock`, `rendered sad`. A rendered genre is a rhythm, which
  any instrument may play; a real song's is what a network, trained on other people's tags, makes of its sound. That
  both say `rock` or `sad` does not make two songs similar.
- An instrument is one word in both: `piano`, `guitar`, `strings` and `synth` mean the same, and a condition on them may
  call a real and a rendered song similar. A training that a teacher has a say in does not: there, songs that it heard
  and songs that it did not are compared each among themselves.
- No word at all is no contradiction either: a rendered song has drums that no tag of it names, and `rendered techno`
  may be `House`. Two songs without a common tag are known to differ only within one source. The column `source`
  says `real` or `rendered`; a condition `SharedTag("genre", among="source")` takes negatives of one source alone.

Tempo: exact in rendered songs. In the 63 tracker modules it is their header's, right up to a factor of 2 or 3; they are
few beside the rendered songs, and the only real sound whose tempo is known. The other real songs have none, so build
with `--tempo=column`: nothing is estimated.
"""

import dataclasses
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tfrecords_tools.demo.corpus import render_corpus
from tfrecords_tools.demo.plan import TrackPlan, plan_corpus
from tfrecords_tools.demo.rendered import require_renderer
from tfrecords_tools.demo.soundfont import NAME, fetch_soundfont
from tfrecords_tools.demo.variety import vary
from tfrecords_tools.sources.debian_music import DIMENSIONS, read_debian_music
from tfrecords_tools.sources.debian_table import Song
from tfrecords_tools.sources.manifest_out import Dropped, Summary, Track, write_manifest
from tfrecords_tools.tables.manifest import read_manifest
from tfrecords_tools.tables.rows import Reject

SOURCE = "source"
# Few to validate on: a model is chosen by real songs.
SHARES = {"train": 0.76, "valid": 0.06, "test": 0.18}


def build_pretraining(
    music: str | os.PathLike,
    out: str | os.PathLike,
    rendered: int = 330,
    seed: int = 1,
    workers: int = 0,
    seconds: float = 30.0,
    songs: Sequence[Song] | None = None,
) -> Summary:
    """Renders songs and writes the table of them and of the real ones; what is already there is kept.

    Args:
        music: folder of `dmml-records debian_music`; songs that it lacks are fetched.
        out: receives `rendered/`, a corpus as `dmml-records demo` writes it, and `manifest.csv`.
        rendered: how many.
        seed: the same seed gives the same rendered songs, byte by byte.
        workers: processes; 0 is one a core.
        seconds: length of each rendered song.
        songs: a table of other real songs than `load_songs()`.

    Raises:
        UserError: as `read_debian_music`, `fetch_soundfont` and `build_corpus`.
    """
    require_renderer("rendering songs")
    corpus, manifest = Path(out) / "rendered", Path(out) / "manifest.csv"
    plans = plan_rendered(rendered, seed, seconds)
    corpus.mkdir(parents=True, exist_ok=True)
    manifest.unlink(missing_ok=True)  # as `render_corpus` does: it may tell of other songs
    fetch_soundfont(corpus)
    table = render_corpus(corpus, plans, workers)
    items = itertools.chain(map(_real, read_debian_music(music, songs=songs)), _rendered_tracks(table))
    return write_manifest(items, manifest, (*DIMENSIONS, SOURCE), values=("tempo",))


def plan_rendered(tracks: int, seed: int, seconds: float) -> list[TrackPlan]:
    """The rendered songs: as many in each split as `SHARES` says, by artist; see `plan_corpus`."""
    plans = [
        dataclasses.replace(plan, track_id=plan.track_id.replace("demo", "rendered"))
        for plan in plan_corpus(tracks, seed, seconds, SHARES)
    ]
    return vary(plans, NAME, seed)


def _real(item: Track | Dropped) -> Track | Dropped:
    if isinstance(item, Dropped):
        return item
    return dataclasses.replace(item, tags={**item.tags, SOURCE: ("real",)})


def _rendered_tracks(table: Path) -> Iterator[Track]:
    for row in read_manifest(table):
        assert not isinstance(row, Reject), row
        tags = {
            **{name: [f"rendered {tag}" for tag in row.tags[name]] for name in ("genre", "mood")},
            "instrument": row.tags["instrument"],
            SOURCE: ("rendered",),
        }
        values = {name: value for name, value in row.values.items() if value is not None}
        yield Track(row.track_id, row.path, row.artist, row.title, row.split, tags, values=values)
