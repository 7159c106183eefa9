"""Free songs out of Debian packages of games -> audio files and a manifest: 714 songs, 32 hours, 63 packages.

The songs, their hashes and licences are in `debian_music.parquet` beside this file. Their labels are nobody's: they
are what musicnn hears (Pons and Serra, 2019: https://github.com/jordipons/musicnn, ISC licence), a network that was
trained on other people's tags, compared with what it hears in the other songs.
"""

import collections
import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tfrecords_tools.errors import UserError
from tfrecords_tools.files import require_room, temporary_path, whole_file, write_json
from tfrecords_tools.names import clean
from tfrecords_tools.program import progress
from tfrecords_tools.sources import debian_packages, tracker_modules
from tfrecords_tools.sources.debian_packages import MEGABYTE, Offer, PackageError, Wanted
from tfrecords_tools.sources.debian_table import HEARD, Song, load_songs
from tfrecords_tools.sources.manifest_out import Dropped, Track

DIMENSIONS = tuple(HEARD)
_TEACHER = Path(__file__).with_name("debian_teacher.npz")
_LEFT = ".left.json"  # beside a package's songs: those that the version read last does not have
_RENDERED_BYTES = 12_000_000  # of a module, as FLAC: the mean

Problems = dict[str, tuple[str, str]]


def read_debian_music(
    out: str | os.PathLike, packages: Sequence[str] = (), songs: Sequence[Song] | None = None
) -> Iterator[Track | Dropped]:
    """Fetches what is not there yet, one package at a time, and yields the songs.

    A song lies in `out`/audio/PACKAGE/FILE under that name only with the table's hash; a tracker module has its
    rendering beside it. Called again, it fetches the packages of which a song is missing, unless the same version was
    read before and does not have it. What is gone, has changed
    or cannot be rendered is yielded as dropped.

    Args:
        out: folder; made if it is not there.
        packages: only these; empty is all.
        songs: a table of other songs than `load_songs()`.

    Raises:
        UserError: if a package is not in the table, apt-get is missing, the network fails, the disk is too small, or
            no song is left.
    """
    songs = _of_packages(load_songs() if songs is None else songs, packages)
    audio = Path(os.path.abspath(out)) / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    missing = [song for song in progress(songs, len(songs), "songs looked for") if not _is_whole(audio, song)]
    problems = _fetch(audio, songs, missing) if missing else {}
    problems |= _render(audio, [song for song in songs if song.track_id not in problems])
    if len(problems) == len(songs):
        kind, reason = next(iter(problems.values()))
        raise UserError(f"no song can be had of {len(songs)}; {songs[0].track_id}: {kind}: {reason}")
    for song in songs:
        if song.track_id in problems:
            yield Dropped(song.track_id, f"{song.package} {song.path}", *problems[song.track_id])
        else:
            yield _track(audio / song.track_id, song)


def copy_teacher(path: Path) -> None:
    """Writes what musicnn heard in every 3 s of each song: a file as `tfrecords_tools.sources.teacher` reads it.

    Its spaces: genre, mood, instrument (logarithms of the probabilities of `HEARD`'s tags, mean 0 and deviation 1 over
    the train split) and whole (the 64 principal components of both networks' 200 last features).
    """
    with whole_file(path) as temporary:
        shutil.copyfile(_TEACHER, temporary)


def _track(path: Path, song: Song) -> Track:
    return Track(
        song.track_id,
        str(tracker_modules.rendered_path(path) if _is_module(song) else path),
        clean(song.artist),
        clean(song.title),
        song.split,
        song.tags,
        values={} if song.bpm is None else {"tempo": song.bpm},
    )


def _of_packages(songs: Sequence[Song], packages: Sequence[str]) -> Sequence[Song]:
    known = {song.package for song in songs}
    for package in packages:
        if package not in known:
            raise UserError(f"--packages: '{package}' is not in the table; known are {', '.join(sorted(known))}")
    return [song for song in songs if not packages or song.package in packages]


def _is_whole(audio: Path, song: Song) -> bool:
    with contextlib.suppress(FileNotFoundError), open(audio / song.track_id, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == song.sha256
    return False


def _is_module(song: Song) -> bool:
    return song.path.endswith(tracker_modules.SUFFIXES)


def _fetch(audio: Path, songs: Sequence[Song], missing: Sequence[Song]) -> Problems:
    debian_packages.require_apt()
    # Asked for all: that one missing package is gone is no reason to end.
    offers = debian_packages.offers({song.package: song.version for song in songs})
    by_package: dict[str, dict[str, Song]] = collections.defaultdict(dict)
    problems: Problems = {}
    for song in missing:
        if song.package in offers:
            by_package[song.package][song.path] = song
        else:
            problems[song.track_id] = ("package gone", f"apt's lists have no package {song.package}")
    for package, by_path in list(by_package.items()):
        left = _known_left(audio, offers[package])
        if by_path.keys() <= left.keys():
            problems |= _changed(offers[package], left, by_path)
            del by_package[package]
    if not by_package:
        return problems
    offers = {package: offers[package] for package in by_package}
    _say_other_versions(offers, by_package)
    require_room(audio, _needed(offers.values(), [song for song in missing if song.package in offers]))
    megabytes = sum(-(-offer.bytes // MEGABYTE) for offer in offers.values())
    fetched = _fetch_packages(audio, offers, by_package, problems)
    collections.deque(progress(fetched, megabytes, f"MB of {len(offers)} packages"), maxlen=0)
    return problems


def _say_other_versions(offers: Mapping[str, Offer], by_package: Mapping[str, Mapping[str, Song]]) -> None:
    for package, offer in offers.items():
        listed = next(iter(by_package[package].values())).version
        if offer.version != listed:
            # Songs that have not changed since are taken all the same: the hash decides.
            print(f"{package}: version {listed} is not on offer, taking {offer.version}", file=sys.stderr)


def _changed(offer: Offer, left: Mapping[str, str], by_path: Mapping[str, Song]) -> Problems:
    return {
        song.track_id: ("changed", f"{offer.package} {offer.version}: {left[path]}")
        for path, song in by_path.items()
        if path in left
    }


def _needed(offers: Iterable[Offer], missing: Sequence[Song]) -> int:
    """Bytes on the disk at the worst moment: all songs, one package, and a copy of an archive in it."""
    largest = max((offer.bytes + offer.unpacked_bytes for offer in offers), default=0)
    return largest + sum(song.bytes + _RENDERED_BYTES * _is_module(song) for song in missing)


def _fetch_packages(
    audio: Path, offers: Mapping[str, Offer], by_package: Mapping[str, Mapping[str, Song]], problems: Problems
) -> Iterator[int]:
    """Yields once a megabyte; adds to `problems`."""
    folder = temporary_path(audio / "package")
    for package, offer in offers.items():
        by_path = by_package[package]
        (audio / package).mkdir(exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield from debian_packages.download(offer, folder)
            (deb,) = folder.iterdir()
            wanted = {
                path: Wanted(song.sha256, song.bytes, song.in_archive, audio / song.track_id)
                for path, song in by_path.items()
            }
            left = debian_packages.take_files(deb, wanted)
            problems |= _changed(offer, left, by_path)
            if left:
                write_json(audio / package / _LEFT, {"version": offer.version, "left": left})
        except PackageError as error:
            problem = ("package not read", f"{package} {offer.version}: {error}")
            problems |= {song.track_id: problem for song in by_path.values() if not _is_whole(audio, song)}
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _known_left(audio: Path, offer: Offer) -> Mapping[str, str]:
    """What an earlier run did not find in this very version: no reason to fetch it again."""
    try:
        known = json.loads((audio / offer.package / _LEFT).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return known["left"] if known["version"] == offer.version else {}


def _render(audio: Path, songs: Sequence[Song]) -> Problems:
    paths = {song.track_id: audio / song.track_id for song in songs if _is_module(song)}
    paths = {track_id: path for track_id, path in paths.items() if not tracker_modules.rendered_path(path).exists()}
    if not paths:
        return {}
    renderer = tracker_modules.find_renderer()
    if renderer is None:
        reason = "no program here plays tracker modules; apt-get install openmpt123, then run the command again"
        return dict.fromkeys(paths, ("not rendered", reason))
    rendered = (
        (track_id, tracker_modules.render(path, renderer))
        for track_id, path in progress(paths.items(), len(paths), "modules rendered")
    )
    return {track_id: ("not rendered", problem) for track_id, problem in rendered if problem}
