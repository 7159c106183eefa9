"""Functions run op by op: a few steps of a small network cost less than the tracing of their graph."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def eager_functions() -> Iterator[None]:
    """Within it `tf.function`s, such as the step of `fit`, are not traced."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
