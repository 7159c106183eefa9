"""Audio files and labels -> sharded TFRecords. Knows no model; never imports Keras.

Importing it, or `dmml_tf`, also sets how TensorFlow computes, which must happen before TensorFlow is first imported.
"""

import os

# TensorFlow leaves oneDNN off on processors without AVX-512, where its convolutions are two to three times faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
