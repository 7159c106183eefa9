"""People's judgements of similarity, read from the files they are published in.

dim-sim (Lee et al., ICASSP 2020; Zenodo record 3889149): an anchor and two songs, clips of 3 s; people voted for
the song that is closer to the anchor. `raw-dim-sim` holds vote counts, `clean-dim-sim` 0 and 1, each as CSV and JSON.

MagnaTagATune (Law et al., ISMIR 2009), `comparisons_final.csv`: three clips; people voted for the odd one out.
"""

import dataclasses
import os
from pathlib import Path

from dmml_tf.data.judgements.table import number_of, table_rows, text_of
from dmml_tf.data.judgements.votes import Clip, majority, read_votes

AGREEMENT = 0.9
_CLIPS = ("clip1", "clip2", "clip3")


@dataclasses.dataclass(frozen=True)
class Judgements:
    """What people said.

    Attributes:
        triplets: (anchor, the clip closer to it, the other one) of each judgement that was kept.
        left_out: rows without a majority, or whose majority is smaller than the agreement asked for.
    """

    triplets: tuple[tuple[Clip, Clip, Clip], ...]
    left_out: int


def read_dim_sim(path: str | os.PathLike[str], agreement: float = AGREEMENT) -> Judgements:
    """Reads `raw-dim-sim` or `clean-dim-sim`, `.csv` or `.json`, or the votes that `dmml judge` wrote.

    Args:
        path: the file, whose votes on one triplet are added up, see `dmml_tf.data.judgements.votes.read_votes`.
        agreement: least share of a triplet's votes that its majority must have (paper: 0.9).

    Raises:
        UserError: naming the file, the row and the field that cannot be read.
    """
    kept, left_out = [], 0
    for asked in read_votes(path).asked:
        closer = asked.closer(agreement)
        if closer is None:
            left_out += 1
            continue
        kept.append((asked.clips[0], asked.clips[1 + closer], asked.clips[2 - closer]))
    return Judgements(tuple(kept), left_out)


def read_odd_one_out(path: str | os.PathLike[str], agreement: float = 0.0) -> Judgements:
    """Reads MagnaTagATune's `comparisons_final.csv` (tabs or commas between the columns).

    The clip with the most votes is the odd one; the other two are each an anchor whose closer clip is the
    other, so that a row gives two triplets (Wolff and Weyde, ISMIR 2011).

    Args:
        path: the file, with the columns `clip1_id`, `clip1_numvotes`, and so on to 3; `clip1_mp3_path` if there.
        agreement: least share of a row's votes that the odd one must have; 0 asks for more votes than
            either of the others.

    Raises:
        UserError: naming the file, the row and the field that cannot be read.
    """
    kept, left_out = [], 0
    for place, row in table_rows(Path(path)):
        clips = [
            Clip(text_of(row, f"{clip}_id", place), file=str(row.get(f"{clip}_mp3_path") or "")) for clip in _CLIPS
        ]
        odd = majority([number_of(row, f"{clip}_numvotes", place) for clip in _CLIPS], agreement)
        if odd is None:
            left_out += 1
            continue
        outsider = clips.pop(odd)
        kept += [(clips[0], clips[1], outsider), (clips[1], clips[0], outsider)]
    return Judgements(tuple(kept), left_out)
