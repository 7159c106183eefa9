"""Audio files and labels -> sharded TFRecords. Knows no model; never imports Keras.

Importing it, or `dmml_tf`, also sets how TensorFlow computes, which must happen before TensorFlow is first imported.
"""

import os

# TensorFlow leaves oneDNN off on processors without AVX-512, where its convolutions are two to three times faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# With AVX-512, the oneDNN in TensorFlow 2.15 and in 2.21 writes past its buffers in training steps of these networks:
# the process dies of a corrupted heap. Its AVX2 code does not, and is still twice as fast as no oneDNN.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
