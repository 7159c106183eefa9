"""`python -m dmml_tf.explore.decode IN OUT.wav RATE LEAST MOST`: a file of a stranger's -> samples.

It is a process apart: what decodes a file is C that others wrote. Here it may fail, hang or fill its memory,
and only this process ends.
"""

import resource
import sys
from pathlib import Path

import soundfile

from tfrecords_tools.audio.decode import AudioError, mono_blocks, require_seconds

MOST_MEMORY = 2 << 30  # bytes of address space: libraries map far more than they use
MOST_CPU = 60  # seconds
EXIT_REFUSED = 2
_MOST_OUTPUT = 256 << 20  # bytes


def decode(source: Path, target: Path, rate: int, least: float, most: float) -> None:
    """Writes at most `most` seconds as mono float wav of `rate` Hz; `AudioError` if there are not `least`."""
    written = 0
    with soundfile.SoundFile(target, "w", rate, 1, "FLOAT", format="WAV") as out:
        for block in mono_blocks(source, rate, max_seconds=most):
            out.write(block)
            written += len(block)
    require_seconds(written / rate, least)


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 2 with the reason on standard error."""
    for limit, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, MOST_CPU),
        (resource.RLIMIT_FSIZE, _MOST_OUTPUT),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    source, target, rate, least_seconds, most_seconds = arguments
    try:
        decode(Path(source), Path(target), int(rate), float(least_seconds), float(most_seconds))
    except AudioError as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
