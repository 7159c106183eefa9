"""The novelty of songs in the sub-space whose label changes, as several runs hear them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dmml_tf.benchmarks.trace_study import Study
from tfrecords_tools.files import whole_file


def plot_changes(studies: Mapping[str, Study], path: Path) -> None:
    """Draws a row for each sub-space: the first test song by id in which its label changes, one curve a study.

    Dotted lines are the joins; dots are the boundaries found, by the threshold that was chosen for the sub-space.

    Args:
        studies: name in the legend -> study, all of the same songs.
        path: PNG to write.
    """
    first = next(iter(studies.values()))
    rows = len(first.subspaces)
    figure = Figure(figsize=(10.0, 0.8 + 1.8 * rows), layout="constrained")
    for name, (axes,) in zip(first.subspaces, figure.subplots(rows, 1, squeeze=False)):
        song = min(first.changes(name), key=lambda place: first.songs[place])
        for number, (label, study) in enumerate(studies.items()):
            _draw(axes, study, name, song, label, f"C{number}")
        for second in first.heard.joins[song][first.subspaces[name].column]:
            axes.axvline(second, color="black", linestyle=":", linewidth=1.2)
        axes.set(xlim=(0, first.heard.traces[song].seconds), ylabel=f"{name}\nnovelty")
        axes.set_title(first.songs[song].replace("$", r"\$"), fontsize=9, loc="left")
    figure.axes[0].legend(fontsize=8, loc="upper right")
    figure.axes[-1].set_xlabel("seconds")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, facecolor="white", metadata={"Software": None})


def _draw(axes: Axes, study: Study, name: str, song: int, label: str, colour: str) -> None:
    trace = study.heard.traces[song]
    novelty, times = trace.novelty(name), trace.times - trace.hop / 2
    axes.plot(times, novelty, color=colour, linewidth=1.3, label=label)
    boundaries = trace.boundaries(name, study.subspaces[name].threshold)
    axes.plot(boundaries, np.interp(boundaries, times, novelty), "o", color=colour)
