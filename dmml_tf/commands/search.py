"""`dmml search`: the tracks most similar to a track, to several, to an audio file, or to parts of each."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from dmml_tf.commands.rule_flags import chosen_rules, define_rule_flags
from dmml_tf.commands.song_flags import Songs, define_song_flags
from dmml_tf.heard.heard_as import HEARD_FILE, HeardAs, find_heard_as
from dmml_tf.heard.said import heard_text
from dmml_tf.search import show
from dmml_tf.search.heard import heard_in, with_heard
from dmml_tf.search.index import Index, Query
from dmml_tf.search.query import by_embedding, by_stretch, mix, push_away
from dmml_tf.search.section import Section, parse_section, parse_time
from dmml_tf.search.sections import Sections, heard_again
from dmml_tf.search.weights import parse_weights
from tfrecords_tools.errors import UserError
from tfrecords_tools.names import normal

_PART_OF = re.compile(r"--?(\w[\w-]*)_of(?:=(.*))?", re.DOTALL)


def define_flags(fv: flags.FlagValues) -> None:
    """Flags of this command."""
    define_song_flags(fv)
    flags.DEFINE_multi_string(
        "track",
        [],
        "Id of a track in the index, or an audio file; given several times, what they have in common.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "audio", None, "Audio file to search by: wav, flac, ogg or mp3 of at least 3 s.", flag_values=fv
    )
    flags.DEFINE_string(
        "window",
        None,
        "A section of the --track or the --audio file to search by, as in 0:30-0:45 or 90-105, of at least 3 s.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "at",
        None,
        "A time in the --track, as in 1:15 or 75: asks by the stretch that it lies in. The index must hold stretches "
        "(dmml index --windows).",
        flag_values=fv,
    )
    flags.DEFINE_bool(
        "windows",
        False,
        "Find the section of each result that is most like the one asked by (--window, --at or the whole --audio): the "
        "first results, at least 20, are decoded and heard again for it, and ranked by their sections.",
        flag_values=fv,
    )
    flags.DEFINE_multi_string(
        "of",
        [],
        "Mix and match: a condition's part from a track, as in genre=ID,tempo=ID; "
        "--genre_of=ID is short for --of=genre=ID. One condition several times: what those "
        "tracks have in common. With --track or --audio: the parts that are not named.",
        flag_values=fv,
    )
    flags.DEFINE_multi_string(
        "not",
        [],
        "Id of a track to be unlike; may be given several times. It counts half of what is to be alike.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "weights",
        None,
        "How much each condition, or 'whole', the embedding as a whole, counts, as in "
        "tempo=1,genre=0.2; below 0: the more unlike the better. Those left out count 0; default: "
        "each condition, or each part of --of, counts 1.",
        flag_values=fv,
    )
    define_rule_flags(fv)
    flags.DEFINE_bool(
        "heard",
        None,
        "Say what the sub-spaces hear in all results, or with --noheard in none; default: in those without labels. "
        "Needs what dmml heard makes.",
        flag_values=fv,
    )
    flags.DEFINE_integer("k", 5, "Number of results.", flag_values=fv)
    flags.DEFINE_string("picture", None, "PNG to write of the results, with a bar a condition.", flag_values=fv)


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """`--genre_of=ID` and `--genre_of ID` as `--of=genre=ID`, whatever the name: the index will know it."""
    out, rest = [], list(arguments)
    while rest:
        argument = rest.pop(0)
        part = _PART_OF.fullmatch(normal(argument))
        if part and (part[2] is not None or rest):
            argument = f"--of={part[1]}={rest.pop(0) if part[2] is None else part[2]}"
        out.append(argument)
    return out


def run(fv: flags.FlagValues) -> None:
    """Prints the results."""
    if (fv.track and fv.audio) or not (fv.track or fv.audio or fv.of):
        raise UserError("give either --track ID (one or more) or --audio FILE, or parts with --of NAME=ID")
    if fv.window is not None and not fv.audio and len(fv.track) != 1:
        raise UserError("--window is a section of one song; give it by one --track ID or by --audio FILE")
    if fv.at is not None and (fv.window is not None or len(fv.track) != 1):
        raise UserError("--at is a time in one song; give it with one --track ID and without --window")
    if fv.windows and not (fv.window or fv.audio or fv.at):
        raise UserError("--windows needs a section to be like; give --window, as in 0:30-0:45, --at or --audio FILE")
    weights = None if fv.weights is None else parse_weights(fv.weights)
    rules = chosen_rules(fv)
    songs = Songs.chosen(fv)
    index = songs.index
    heard_as = None if fv.heard is False else _heard_as(songs.folder, index, fv.heard)
    sections = Sections(songs.embedder, songs.sound_of)
    sound, section = _by_part(fv, songs, sections)
    query, parts = _query(fv, songs, sound), parse_parts(fv.of)
    if fv["not"].value:
        query = push_away(index, query, songs.together(fv["not"].value))
    hits = index.search(query, weights, heard_again(fv.k) if fv.windows else fv.k, rules)
    if fv.windows:
        hits = sections.find(index, query, weights, hits, section.end - section.begin)[: fv.k]
    hits = with_heard(hits, index, heard_as, bool(fv.heard))
    lines = _asked(fv, songs, parts, sound, section, heard_as)
    tracks = [hit.track for hit in hits]
    written = songs.write_m3u(fv.m3u, tracks, [hit.section for hit in hits]) if fv.m3u else ""
    if fv.picture:
        # Imported here, so that a search without a picture does not wait for matplotlib.
        from dmml_tf.pictures.hits import plot_hits

        weighed = weights or query.weights or dict.fromkeys(index.slices, 1.0)
        plot_hits(lines, hits, weighed, index.conditions, Path(fv.picture))
    if fv.format == "json":
        asked = {
            "tracks": fv.track,
            "audio": fv.audio,
            **({"window": section.seconds()} if fv.window or fv.at else {}),
            "of": parts,
            "not": fv["not"].value,
            "filters": fv.filter,
            "weights": weights,
        }
        print(json.dumps({"query": asked, "results": show.as_json(hits, songs.sound)}, indent=1, ensure_ascii=False))
        return
    print("\n".join([*lines, show.table(hits), *filter(None, [written])]))


def _heard_as(folder: Path, index: Index, required: bool | None) -> HeardAs | None:
    heard_as = find_heard_as(folder, index.model)
    if required and heard_as is None:
        raise UserError(f"{folder / HEARD_FILE}: not found; make it with: dmml heard --run {folder}")
    return heard_as


def parse_parts(texts: Sequence[str]) -> dict[str, list[str]]:
    """`["genre=A,tempo=B", "genre=C"]` -> `{"genre": ["A", "C"], "tempo": ["B"]}`.

    An id may hold commas: one separates parts only where a name and `=` follow.

    Raises:
        UserError: if a part is not of that form.
    """
    parts: dict[str, list[str]] = {}
    for part in (part for text in texts for part in re.split(r",(?=\s*\w[\w-]*=)", normal(text))):
        name, _, track = part.strip().partition("=")
        if not (name and track):
            raise UserError(f"--of: '{part}' is not of the form NAME=ID, as in genre=ID,tempo=ID")
        parts.setdefault(name, []).append(track)
    return parts


def _query(fv: flags.FlagValues, songs: Songs, sound: Query | None) -> Query:
    index, parts = songs.index, {name: songs.together(tracks) for name, tracks in parse_parts(fv.of).items()}
    if not (fv.track or fv.audio):
        return mix(index, parts)
    query = songs.together(fv.track) if sound is None else sound
    if not parts:
        return query
    # Mixed first, so that a condition that is not there is refused before it is weighed.
    return mix(index, dict.fromkeys(index.slices, query) | parts)


def _asked(
    fv: flags.FlagValues,
    songs: Songs,
    parts: dict[str, list[str]],
    sound: Query | None,
    section: Section,
    heard_as: HeardAs | None,
) -> list[str]:
    """One line for everything that the query was made from."""
    window = f" {section}" if fv.window or fv.at else ""
    lines = [f"query {_file(fv.audio + window, sound, heard_as)}"] if fv.audio and sound else []
    named = [(f"query{window} of" if window else "query", track) for track in fv.track]
    named += [(f"{name} of", track) for name, tracks in parts.items() for track in tracks]
    named += [("not", track) for track in fv["not"].value or ()]
    for role, track in named:
        row = songs.index.row(track)
        if row is None:
            lines.append(f"{role} {_file(track, songs.query(track), heard_as)}")
        else:
            said = heard_in(songs.index, [track], heard_as, bool(fv.heard))[0]
            lines.append(f"{role} {show.describe(songs.index.tracks[row], said)}")
    return lines


def _file(path: str, sound: Query, heard_as: HeardAs | None) -> str:
    said = heard_text(heard_as.heard(sound.vector[None])[0]) if heard_as is not None else ""
    return f"{path} ({show.HEARD_AS} {said})" if said else path


def _by_part(fv: flags.FlagValues, songs: Songs, sections: Sections) -> tuple[Query | None, Section]:
    """The query by a file, or by a part of it or of a track, and from when to when that is; None by whole tracks."""
    if fv.at is not None:
        return by_stretch(songs.index, fv.track[0], parse_time(fv.at))
    if not (fv.audio or fv.window):
        return None, Section(0.0, 0.0)
    section = None if fv.window is None else parse_section(fv.window)
    path, source = (Path(fv.audio), "") if fv.audio else songs.file_of(fv.track[0])
    vector, seconds = sections.embed(path, section)
    query = by_embedding(vector, songs.index.conditions, [source] if source else [])
    return query, section or Section(0.0, seconds)
