"""The rows of a table: what a configuration may ask for, and what it is told when it asks wrongly."""

import pytest
from dmml_tf.configs.small import SAMPLE_CNN_WIDTH, WIDTH
from dmml_tf.configs.tables import blocks, icassp2020, inputs, ismir2020

from dmml_tf import configs
from dmml_tf.papers.baselines import NAMES
from dmml_tf.papers.rows import SOURCES, flat, load_config, rows_of, system_config
from tests.dmml_tf.papers.made import system_file, tiny_table
from tfrecords_tools.errors import UserError

TRACK = {"label": "a track", "kind": "train", "config": "track"}


def test_a_row_takes_the_tables_seeds_unless_it_has_its_own():
    table = tiny_table({"a": TRACK, "b": {**TRACK, "seeds": (7,)}}, seeds=(1, 2), order=("b", "a", "b"))
    assert [(row.name, row.seeds) for row in rows_of(table, NAMES)] == [("b", (7,)), ("a", (1, 2))]


@pytest.mark.parametrize(
    "rows, fields, message",
    [
        ({"a": TRACK}, {"order": ()}, "config.order is empty; name at least one of: a"),
        ({"a": TRACK}, {"order": ("b",)}, "names 'b', config.rows has: a"),
        ({"a": {**TRACK, "kind": "trained"}}, {}, "rows.a: unknown kind 'trained'; known are: train, specialized"),
        ({"a": {**TRACK, "config": "tracks"}}, {}, "rows.a: unknown system 'tracks'; known are: artist, .*track"),
        ({"a": {**TRACK, "config": "no/such.py"}}, {}, "rows.a: no/such.py is no file"),
        (
            {"a": {"label": "a", "kind": "baseline", "config": "mfcc"}},
            {},
            "unknown baseline 'mfcc'; known are: mfcc_vq",
        ),
        ({"a": {**TRACK, "colour": "red"}}, {}, "config.rows.a: .*'colour'.*known fields: name, label, kind"),
        ({"a": {"kind": "train", "config": "track"}}, {}, "config.rows.a: missing.*'label'"),
        ({"a": {**TRACK, "overrides": {"train": {"step": 3}}}}, {}, "config.rows.a.overrides: .*step"),
        ({"a": {**TRACK, "overrides": {"objective": {"margin": "wide"}}}}, {}, "config.rows.a.overrides: .*margin"),
        ({"a": {**TRACK, "steps_share": 0.0}}, {}, "config.rows.a.steps_share: 0.0 is not a number above 0"),
        ({"a": TRACK}, {"seeds": ()}, "config.seeds is empty"),
        (
            {"a": TRACK},
            {"pairs": (("a", "b", "whole", "overall"),)},
            "config.pairs: 'a b whole overall' must be two rows",
        ),
        ({"a": TRACK}, {"pairs": (("a", "a"),)}, "config.pairs: 'a a' must be two rows, a space and a condition"),
        (
            {"a": TRACK},
            {"pairs": (("a", "a", "hole", "overall"),)},
            "config.pairs: 'a a hole overall' .* known are: whole",
        ),
        (
            {"a": TRACK},
            {"tables": ({"title": "One", "rows": ("a", "b"), "columns": (), "interval": ""},)},
            "config.tables: 'One' shows the row 'b', config.rows has: a",
        ),
        ({"a": TRACK}, {"triplets": 0}, "^config.triplets: 0 is too small; give at least 1"),
        ({"a": TRACK}, {"triplet_seed": -1}, "^config.triplet_seed: -1 is too small; give at least 0"),
        ({"a": TRACK}, {"rounds": 0}, "^config.rounds: 0 is too small; give at least 1"),
    ],
)
def test_wrong_tables_are_refused_before_any_work(rows, fields, message):
    with pytest.raises(UserError, match=message):
        rows_of(tiny_table(rows, **fields), NAMES)


def test_a_system_is_no_table():
    with pytest.raises(UserError, match="is no table: it has no rows; .*`dmml train` takes a system"):
        rows_of(load_config("disentangled_track", "here"), NAMES)


def test_small_and_steps_hold_for_every_system_and_overrides_for_one():
    table = tiny_table(
        {"a": TRACK, "b": {**TRACK, "overrides": {"mask": "none", "objective": {"margin": 0.5}}}}, steps=70
    )
    first, second = rows_of(table, NAMES)
    full, other = system_config(table, first, 3), system_config(table, second, 3)
    assert (full.seed, full.train.steps, full.objective.margin, full.mask) == (3, 70, 0.1, "fixed")
    assert (other.objective.margin, other.mask, tuple(other.network.width)) == (0.5, "none", (64,) * 7)
    table.small, table.steps = True, 0
    small = system_config(table, first, 0)
    assert next(iter(small.network.width)) == 8 and small.train.steps == 500 and small.order == ("track",)


def test_a_row_may_take_a_share_of_the_steps_and_of_the_warm_up():
    table = tiny_table({"a": {**TRACK, "steps_share": 0.25}, "b": TRACK}, steps=70, small=True)
    short, whole = (system_config(table, row, 0).train for row in rows_of(table, NAMES))
    assert (short.steps, short.schedule.warmup, whole.steps, whole.schedule.warmup) == (18, 10, 70, 40)


def test_a_specialized_row_is_asked_by_condition(tmp_path):
    table = tiny_table(
        {
            "a": {"label": "a", "kind": "specialized", "config": "specialized"},
            "b": {"label": "b", "kind": "specialized", "config": "category"},
            "c": {"label": "c", "kind": "specialized", "config": system_file(tmp_path)},
        }
    )
    known, plain, own = rows_of(table, NAMES)
    assert system_config(table, known, 0, "mood").order == ("mood",)
    assert system_config(table, own, 0, "tempo").order == ("tempo",)
    with pytest.raises(UserError, match="'category' takes no condition; name one such as 'specialized'"):
        system_config(table, plain, 0, "mood")


def test_every_row_of_both_papers_is_known_and_their_figures_are_the_printed_ones():
    first, second = (
        {row.name: row for row in rows_of(module.get_config(), NAMES)} for module in (icassp2020, ismir2020)
    )
    assert list(first)[:7] == [
        "mfcc_vq",
        "track",
        "category",
        "category_track",
        "disentangled",
        "disentangled_track",
        "specialized",
    ]
    assert {row.source for row in first.values()} == set(SOURCES)
    assert first["disentangled"].paper == {
        "whole.genre": 0.708,
        "whole.mood": 0.717,
        "whole.instrument": 0.657,
        "whole.tempo": 0.783,
        "whole.overall": 0.716,
        "subspace.genre": 0.785,
        "subspace.mood": 0.790,
        "subspace.instrument": 0.798,
        "subspace.tempo": 0.955,
        "subspace.overall": 0.832,
        "whole.track": 0.985,
        "human.whole": 0.763,
    }
    assert first["specialized"].paper["subspace.overall"] == 0.718 and "whole.genre" not in first["specialized"].paper
    assert [first[name].paper for name in list(first)[7:]] == [{}] * 12
    assert [row.in_paper for row in second.values()] == [True] * 8 + [False] * 3
    assert [row.in_paper for row in first.values()] == [True] * 7 + [False] * 12
    assert {name: row.paper for name, row in second.items() if row.paper} == {
        "triplet_disentangled": {"subspace.overall": 0.792, "subspace.R@1": 0.365},
        "triplet_track_disentangled": {"subspace.overall": 0.752, "human.whole": 0.852},
        "proxy_disentangled": {"subspace.overall": 0.738, "subspace.R@1": 0.447},
        "classification_disentangled": {"subspace.overall": 0.737, "subspace.R@1": 0.447},
    }


@pytest.mark.parametrize("module, count", [(blocks, 5), (inputs, 4)])
def test_every_block_and_frontend_has_the_same_steps_and_the_first_ones_minutes(module, count):
    table = module.get_config()
    rows = {row.name: row for row in rows_of(table, NAMES)}
    first, *others = module.SECONDS
    assert list(rows) == [first, *others, *(f"{name}_minutes" for name in others)] and len(module.SECONDS) == count
    total = 300 * module.SECONDS[first]
    networks = {}
    for name in module.SECONDS:
        same = system_config(table, rows[name], 1)
        assert same.train.steps == 300 and same.seed == 1 and rows[name].step_seconds == module.SECONDS[name]
        networks[name] = same.network.to_dict()
        wide = networks[name]["frontend"] != "sample_cnn"
        assert tuple(networks[name]["width"]) == (WIDTH if wide else SAMPLE_CNN_WIDTH)
        if name != first:
            timed = system_config(table, rows[f"{name}_minutes"], 1)
            assert timed.train.steps * module.SECONDS[name] == pytest.approx(total, abs=module.SECONDS[name])
            assert timed.train.schedule.warmup == pytest.approx(40 * timed.train.steps / 300, abs=1)
            assert timed.network == same.network
    field = "block" if module is blocks else "frontend"
    assert [network[field] for network in networks.values()] == list(module.SECONDS)


def test_names_of_systems_and_figures():
    assert {"disentangled_track", "proxy", "specialized"} <= set(configs.system_names())
    assert not {"small", "tables", "icassp2020"} & set(configs.system_names())
    assert load_config("category", "here").mask == "none"
    with pytest.raises(UserError, match="^here: unknown system 'small'"):
        load_config("small", "here")
    assert flat({"whole": {"a": 1, "b": {"c": 2}}, "d": 3, "e": {}}) == {"whole.a": 1, "whole.b.c": 2, "d": 3}
