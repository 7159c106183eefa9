import dataclasses

import numpy as np
import pytest

pytest.importorskip("music21")
pytest.importorskip("pretty_midi")

from tfrecords_tools.demo import corpus, instruments, variety
from tfrecords_tools.demo.instruments import FAMILIES
from tfrecords_tools.demo.plan import plan_corpus

FLUID = "fluid.sf2"


@pytest.fixture(scope="module")
def plans():
    return plan_corpus(480, 0, 30.0)


@pytest.fixture(scope="module")
def varied(plans):
    return variety.vary(plans, FLUID, seed=0)


def test_only_the_sound_differs_and_the_seed_decides_it(plans, varied):
    assert [dataclasses.replace(plan, programs=(), soundfont="", claves=True) for plan in varied] == plans
    assert variety.vary(plans, FLUID, seed=0) == varied != variety.vary(plans, FLUID, seed=1)


def test_half_of_the_songs_have_claves_and_half_the_other_soundfont(varied):
    assert {plan.soundfont for plan in varied} == {"", FLUID}
    for share in (np.mean([plan.claves for plan in varied]), np.mean([plan.soundfont == FLUID for plan in varied])):
        assert 0.42 < share < 0.58


def test_every_family_has_each_of_its_programs_in_both_soundfonts(varied):
    assert list(variety.PROGRAMS) == list(FAMILIES)
    assert all(FAMILIES[family].number in numbers for family, numbers in variety.PROGRAMS.items())
    drawn = {
        (family, program.number, plan.soundfont)
        for plan in varied
        for family, program in zip(plan.families, plan.programs, strict=True)
    }
    assert drawn == {
        (family, number, font)
        for family, numbers in variety.PROGRAMS.items()
        for number in numbers
        for font in ("", FLUID)
    }


def test_a_song_is_played_by_the_programs_of_its_plan(varied):
    plan = next(plan for plan in varied if len(plan.families) == 3)
    programs = dict(zip(plan.families, plan.programs))
    seats = instruments.seat(plan.families, np.random.default_rng(0), programs)
    assert {seat.family: seat.program for seat in seats.values()} == {
        family: program.number for family, program in programs.items()
    }


def test_claves_are_struck_only_where_the_plan_says_so(plans):
    plan = next(plan for plan in plans if plan.genre == "rock")
    with_claves, title = corpus.compose(plan)
    without, same_title = corpus.compose(dataclasses.replace(plan, claves=False))
    assert title == same_title and with_claves.notes == without.notes
    assert {drum for drum in with_claves.drums if drum.key != corpus.CLAVES} == set(without.drums)
    assert any(drum.key == corpus.CLAVES for drum in with_claves.drums)
