"""`dmml path`: songs that lead from one to another in steps that are as small as they can be."""

import json
from pathlib import Path

from absl import flags

from dmml_tf.commands.rule_flags import chosen_rules, define_rule_flags
from dmml_tf.commands.song_flags import Songs, define_song_flags
from dmml_tf.library.path import MOST_STEPS, STEPS, song_path
from dmml_tf.search import show
from dmml_tf.search.weights import parse_weights


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_song_flags(fv)
    flags.DEFINE_string("from", None, "Id of the first song, or an audio file.", required=True, flag_values=fv)
    flags.DEFINE_string("to", None, "Id of the last song, or an audio file.", required=True, flag_values=fv)
    flags.DEFINE_integer(
        "steps",
        STEPS,
        "Steps from song to song: one more song than that, with both ends.",
        lower_bound=1,
        upper_bound=MOST_STEPS,
        flag_values=fv,
    )
    flags.DEFINE_string(
        "weights",
        None,
        "In what the songs go evenly from one to the other, as in mood=1,tempo=0.5; those left out count 0. Default: "
        "each condition counts 1.",
        flag_values=fv,
    )
    flags.DEFINE_list(
        "keep", [], "Conditions in which the songs stay near the first one, as in genre,instrument.", flag_values=fv
    )
    define_rule_flags(fv)


def run(fv: flags.FlagValues) -> None:
    """Prints the songs and their steps."""
    weights, rules = None if fv.weights is None else parse_weights(fv.weights), chosen_rules(fv)
    songs, ends = Songs.chosen(fv), (fv["from"].value, fv.to)
    start, end = map(songs.query, ends)
    path = song_path(songs.index, start, end, fv.steps, weights, fv.keep, rules)
    files = {0: Path(str(ends[0])), len(path.stops) - 1: Path(str(ends[1]))}
    written = None
    if fv.m3u:
        tracks = [stop.track if stop.track is not None else files[place] for place, stop in enumerate(path.stops)]
        written = songs.write_m3u(fv.m3u, tracks)
    if fv.format == "json":
        stops = [
            {
                **(show.track_json(stop.track, songs.sound) if stop.track else {"path": str(files[place])}),
                "progress": stop.progress,
                "step": stop.step,
                "cosines": dict(stop.cosines),
            }
            for place, stop in enumerate(path.stops)
        ]
        asked = {"from": ends[0], "to": ends[1], "steps": fv.steps, "weights": weights, "keep": fv.keep}
        figures = {"apart": path.apart, "largest_step": path.largest, "mean_step": path.mean}
        content = {"query": {**asked, "filters": fv.filter}, **figures, "songs": stops}
        print(json.dumps(content, indent=1, ensure_ascii=False))
        return
    names = list(path.stops[-1].cosines)
    header = ["#", "id", "title", "artist", "progress", "step", *(f"cos({name})" for name in names)]
    rows = []
    for place, stop in enumerate(path.stops):
        track = stop.track or {"id": str(files[place])}
        texts = [show.printable(track["id"]), *(show.fit(track.get(name, "")) for name in ("title", "artist"))]
        numbers = [f"{number:.3f}" for number in (stop.progress, stop.step, *stop.cosines.values())]
        # The first song has no step behind it.
        rows.append([str(place), *texts, *(numbers if place else [numbers[0], *[""] * (1 + len(names))])])
    print(show.text_table(header, rows, 4))
    print(f"largest step {path.largest:.3f}, mean step {path.mean:.3f}; the ends are {path.apart:.3f} apart")
    if written:
        print(written)
