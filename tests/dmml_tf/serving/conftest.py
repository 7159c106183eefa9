"""One exported model for all tests of serving: exporting takes seconds."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from dmml_tf.serving.export import export_saved_model
from tests.dmml_tf.search.made import tiny_embedding
from tests.dmml_tf.serving.made import CONDITIONS
from tfrecords_tools.features import LogMel


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """`path` of the SavedModel (read only), its `signatures` loaded here, and the Keras `model` it was made from."""
    model = tiny_embedding(CONDITIONS.size)
    path = export_saved_model(model, CONDITIONS, LogMel(), tmp_path_factory.mktemp("exported") / "dmml")
    loaded = tf.saved_model.load(str(path))
    return SimpleNamespace(path=path, signatures=loaded.signatures, model=model, loaded=loaded)
