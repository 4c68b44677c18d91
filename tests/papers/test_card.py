"""A model in a notebook is its card, and what comes from a file cannot write HTML into the page."""

from __future__ import annotations

import re

import pytest

import i2vlib
from i2vlib.hub import SHIPPED, method_class
from i2vlib.papers.frgan import Forecast, ForecastConfig
from tests.conftest import tiny_config


def rows(card: str) -> dict[str, str]:
    """What a card says, by row, without its marks."""
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", card)
    return {name: re.sub(r"<br>", "; ", re.sub(r"</?(?:code|small)>", "", value)) for name, value in pairs}


def test_a_new_model_says_what_it_is_and_that_it_knows_of_no_data(model) -> None:
    card = model._repr_html_()
    said = rows(card)
    generator = sum(p.numel() for p in model.generator_parameters())
    whole = sum(p.numel() for p in model.parameters())
    assert ">AffineGAN<" in card and model.about in card and said["limits"] == model.limits
    assert said["expressions"].split() == list(model.expressions)
    assert said["picture"] == f"{model.config.size} × {model.config.size} pixels in and out"
    shown = [f"{n / 1e6:.1f} million" if n >= 1e5 else f"{n:,}" for n in (generator, whole - generator)]
    assert said["parameters"] == "{} in the generator; {} in the discriminators, which only training needs".format(
        *shown
    )
    assert said["learnt from"].startswith("not known") and "on unseen people" not in said
    assert len(card.splitlines()) < len(str(model).splitlines()) and str(model).startswith("AffineGAN(")


def test_loaded_weights_say_what_their_card_states(model, tmp_path) -> None:
    facts = {
        "data": {"name": "actors", "subjects": 64, "frames": 12},
        "motion, test subjects": {"happy": 0.8, "angry": 0.9},
        "moving_ratio, test subjects": {"happy": 0.5},
        "seconds": 3,
    }
    model.save_pretrained(tmp_path, facts)
    loaded = i2vlib.load_pretrained(tmp_path)
    assert loaded.facts["seconds"] == "3" and len(loaded.facts["sha256"]) == 64
    said = rows(loaded._repr_html_())
    assert said["learnt from"] == "64 rendered people (actors), 12 frames a clip"
    measured = "how much moves 0.85 (1 is the real clips'); error where it moves 0.50 (1 is copying the still)"
    assert said["on unseen people"] == measured
    assert not model.facts


@pytest.mark.parametrize("data", ["<script>alert(1)</script>", "my <b>own</b> clips & more"])
def test_a_card_from_elsewhere_writes_no_html(model, tmp_path, data) -> None:
    model.save_pretrained(tmp_path, {"data": data, "motion, test subjects": "<i>?</i>"})
    card = i2vlib.load_pretrained(tmp_path)._repr_html_()
    assert data not in card and "<script" not in card and "<i>" not in card
    assert data.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in card
    assert "on unseen people" not in rows(card)


def test_a_reader_of_joints_says_what_it_found_and_that_it_draws_nothing(tmp_path) -> None:
    made = i2vlib.Hourglass(i2vlib.HourglassConfig(size=32, channels=8))
    data = {"name": "performers", "size": 32, "subjects": 24}
    made.save_pretrained(tmp_path, {"data": data, "pck, test subjects": {"golf_swing": 0.75, "jump_rope": 0.85}})
    said = rows(i2vlib.load_pretrained(tmp_path)._repr_html_())
    assert said["picture"] == "32 × 32 pixels in" and said["learnt from"] == "24 rendered people (performers)"
    assert said["on unseen people"].startswith("joints found 0.80")


def test_an_expression_of_ones_own_is_escaped() -> None:
    made = i2vlib.AffineGAN(tiny_config(expressions=("<b>wink</b>",)))
    assert "&lt;b&gt;wink&lt;/b&gt;" in made._repr_html_() and "<b>" not in made._repr_html_()


def test_a_stage_that_follows_maps_lists_no_expressions() -> None:
    said = rows(Forecast(ForecastConfig(size=32, base_channels=4, code=8))._repr_html_())
    assert "expressions" not in said and said["picture"].startswith("32 × 32")


@pytest.mark.parametrize("name", sorted(i2vlib.METHODS))
def test_every_method_says_what_it_is_and_what_it_cannot(name: str) -> None:
    kind = method_class(name)
    assert kind.about.endswith(".") and kind.limits.endswith(".")


@pytest.mark.parametrize("name", sorted(path.name for path in SHIPPED.iterdir() if path.is_dir()))
def test_shipped_weights_have_a_full_card_in_light_and_dark(name: str) -> None:
    model = i2vlib.load_pretrained(name)
    card = model._repr_html_()
    listed = {"expressions", "picture", "parameters", "learnt from", "on unseen people", "limits"}
    assert set(rows(card)) == (listed if model.expressions else listed - {"expressions"})
    assert "prefers-color-scheme: dark" in card and "--i2v-back: #23262d" in card and "--i2v-back: #f4f5f7" in card
