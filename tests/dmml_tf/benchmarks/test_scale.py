"""Costs by hand for round rates; the page shows what the command prints."""

import dataclasses
import re
from pathlib import Path

import pytest

from dmml_tf.benchmarks.scale import Prices, Rates, standing, steps
from dmml_tf.cli import main

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"
RATES = Rates(audio_kb=1000, record_kb=500, build_seconds=0.36, tempo_seconds=0.72, embed_seconds=0.036)
PRICES = Prices(core_hour=0.1, accelerator_hour=2, gib_month=0.5, memory_gib=4, hours=10, queries=20)


def test_the_page_shows_what_the_command_prints(capsys):
    assert main(["bench", "scale"]) == 0
    shown = re.search(r"<!-- dmml bench scale -->\n(.*)<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown and shown[1].strip() == capsys.readouterr().out.strip(), "paste what it prints between the two marks"


def test_steps_are_songs_times_rates():
    build, tempo, train, embed, index, graph = steps(100_000, RATES)
    assert (build.core_hours, build.read, build.written) == (pytest.approx(10), 1e11, 5e10)
    assert tempo.core_hours == pytest.approx(20) and tempo.money(PRICES) == pytest.approx(2)
    assert embed.core_hours == pytest.approx(1) and embed.hours(PRICES) == 10
    rates = dataclasses.replace(RATES, steps=3600, windows=100, input_windows=50, accelerator_windows=200)
    train = steps(100_000, rates)[2]
    assert (train.core_hours, train.accelerator_hours, train.hours(PRICES)) == (2, 0.5, 0.5)
    assert train == steps(7, rates)[2] and train.money(PRICES) == pytest.approx(1.2)
    assert index.core_hours < graph.core_hours and index.read == graph.read


def test_what_runs_is_paid_by_its_work_or_by_the_memory_that_it_needs():
    rates = dataclasses.replace(RATES, search_ms=100.0, index_bytes=1000.0, code_bytes=10.0)
    searches = {songs: standing(songs, rates, PRICES)[3] for songs in (1_000_000, 100_000_000)}
    few, many = searches.values()
    assert few.cores == pytest.approx(2) and few.bound(PRICES) == "processor" and few.scanned == 2e8
    rented = 1e11 / 2**30 / 4  # of a machine with 4 GiB a core
    assert many.cores == pytest.approx(200) and many.rented(PRICES) == pytest.approx(max(200, rented))
    slow = dataclasses.replace(PRICES, queries=1)
    many = standing(100_000_000, rates, slow)[3]
    assert many.rented(slow) == pytest.approx(rented) and many.bound(slow) == "memory"
    assert many.money(slow) == pytest.approx(rented * 730 * 0.1)
    audio = standing(2**30, rates, PRICES)[0]
    assert audio.money(PRICES) == pytest.approx(0.5e6) and audio.bound(PRICES) == "bytes"


def test_a_reader_puts_prices_of_his_own(capsys):
    assert main(["bench", "scale", "--songs=36000", "--core_hour=1000", "--build_seconds=0.1"]) == 0
    out = capsys.readouterr().out
    assert "### 36,000 songs" in out and out.count("### ") == 1
    (build,) = (line for line in out.splitlines() if line.startswith("| build "))
    assert [cell.strip() for cell in build.split("|")][-2] == "1,000"


@pytest.mark.parametrize("flag", ["--hours=0", "--hours=-1", "--audio_kb=nan", "--songs=0", "--core_hour=dear"])
def test_bad_input_is_one_line_and_status_2(flag, capsys):
    assert main(["bench", "scale", flag]) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1 and flag.partition("=")[0].strip("-") in error
