"""What every objective has in common: it is compiled so that `fit` has nothing left to make."""

import numpy as np
import pytest

from dmml_tf.conditions import Conditions, SharedTag
from dmml_tf.data.forms import mined_form, tag_form, triplet_form
from dmml_tf.data.pipeline import BatchPlan, form_dataset
from dmml_tf.models.embedding import build_embedding
from dmml_tf.training.losses import MinedHinge, TagCrossentropy, TripletHinge
from dmml_tf.training.metrics import TagAccuracy, mining_metrics, triplet_metrics
from dmml_tf.training.objectives.classes import build_tag_model
from dmml_tf.training.objectives.mining import build_mining_model
from dmml_tf.training.objectives.objective import Objective
from dmml_tf.training.objectives.triplets import build_triplet_model

pytestmark = pytest.mark.trains


CONDITIONS = Conditions([SharedTag("genre", width=4), SharedTag("mood", width=4)])


def counted(loss, calls):
    """The loss, which notes each time that Python calls it: once eagerly and once for each trace of its graph."""
    call = loss.call
    loss.call = lambda y_true, y_pred: (calls.append(loss.name), call(y_true, y_pred))[1]
    return loss


def triplets(embedding, calls):
    model = build_triplet_model(embedding, CONDITIONS)
    loss = counted(TripletHinge(0.1), calls)
    return Objective(model, triplet_form(CONDITIONS, 8), loss, triplet_metrics(CONDITIONS, 0.1), CONDITIONS)


def learned(embedding, calls):
    model = build_triplet_model(embedding, CONDITIONS, "learned")
    loss = counted(TripletHinge(0.1), calls)
    return Objective(model, triplet_form(CONDITIONS, 8), loss, triplet_metrics(CONDITIONS, 0.1), CONDITIONS)


def mining(embedding, calls):
    model, loss = build_mining_model(embedding, CONDITIONS), counted(MinedHinge("semi_hard"), calls)
    return Objective(model, mined_form(CONDITIONS), loss, mining_metrics(CONDITIONS, 0.1), CONDITIONS)


def tags(embedding, calls):
    counts = {"genre": 8, "mood": 8}
    return Objective(
        build_tag_model(embedding, CONDITIONS, counts),
        tag_form(CONDITIONS, counts),
        {name: TagCrossentropy() if name == "mood" else counted(TagCrossentropy(), calls) for name in CONDITIONS.names},
        {name: [TagAccuracy()] for name in CONDITIONS.names},
        CONDITIONS,
        dict.fromkeys(CONDITIONS.names, 1.0),
    )


@pytest.mark.parametrize("build", [triplets, learned, mining, tags])
def test_training_is_traced_once_and_begins_with_figures_at_zero(build, synthetic):
    calls = []
    objective = build(build_embedding("conv", (2, 1, 1, 1, 1, 1, 1), 8), calls)
    objective.compile(0.01)
    calls.clear()
    assert all(not np.any(np.asarray(variable)) for metric in objective.model.metrics for variable in metric.variables)
    plan = BatchPlan(4, 2, 8, 20)
    batches = form_dataset(synthetic, "train", CONDITIONS, plan, objective.form, 2, 0)
    objective.model.fit(batches, epochs=1, verbose=0)
    assert len(calls) == 1
