"""What `dmml trace` leaves behind: the figures, the vectors and a picture."""

from pathlib import Path

import numpy as np

from dmml_tf.search.index import Index
from dmml_tf.trace.plot import plot_trace
from dmml_tf.trace.trace import Trace, describe
from tfrecords_tools.files import whole_folder, write_json

TRACE_FILE, WINDOWS_FILE, PICTURE_FILE = "trace.json", "windows.npy", "trace.png"


def write_trace(trace: Trace, folder: Path, index: Index | None = None) -> dict:
    """Writes `trace.json`, `trace.png` and `windows.npy` (the vectors); returns what the JSON holds."""
    content = describe(trace, index)
    with whole_folder(folder) as temporary:
        write_json(temporary / TRACE_FILE, content)
        np.save(temporary / WINDOWS_FILE, trace.vectors, allow_pickle=False)
        plot_trace(trace, content, temporary / PICTURE_FILE)
    return content
