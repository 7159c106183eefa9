"""The explorer: a local web page on a run's index. It asks `dmml_tf.search` and computes no similarity itself."""
