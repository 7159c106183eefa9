"""Disentangled multidimensional metric learning for music similarity (Lee et al., ICASSP 2020)."""

import tfrecords_tools  # noqa: F401  its import sets how TensorFlow computes
