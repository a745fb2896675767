from pathlib import Path

import pytest

import alpha_bridge
from alpha_bridge.metrics.definition import (
    METRICS,
    classifier_protocol,
    formatted,
    is_metric,
    label,
    name,
    parse,
)


@pytest.mark.parametrize(
    "text",
    [
        "frechet_distance/classifier/5000",
        "frechet_distance/classifier-mnist-seed0-acc99/5000-train",
        "kernel_distance/pixels/64-train-1438",
        "log_likelihood/kde-0.1/10000-held-out",
        "log_likelihood/kde-0.1/2-held-out-3",
        "kernel_distance/inception/5000",
        "inception_score/posterior/10000",
        "log_likelihood/kde-0.1/10000",
        "modes/3std/10000",
        "high_quality/3std/10000",
        "missed_mass/tenth/10000",
        "invented_mass/tail-0.001/10000",
        "reconstruction_error/mse/1000",
        "retention/classifier/1000",
        "ess/forward/128",
    ],
)
def test_a_name_is_the_name_of_its_parts(text):
    assert name(*parse(text)) == str(parse(text)) == text


def test_sets_of_unequal_size_say_both_sizes():
    parts = ("frechet_distance", "pixels", 64, "train")
    assert name(*parts, 64) == name(*parts) == "frechet_distance/pixels/64-train"
    assert name(*parts, 63) == "frechet_distance/pixels/64-train-63"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("digits", "digits"),
        ("owner/set-of.things", "set-of.things"),
        ("/home/me/My photos/", "My-photos"),
        ("faces\x1b[2J\n|<b>", "faces-2J-b"),
        ("\x1b", "data"),
    ],
)
def test_a_classifier_is_named_by_its_data_in_one_word(data, said):
    assert classifier_protocol("classifier", data, 3, 0.954) == f"classifier-{said}-seed3-acc95"


def test_a_classifier_of_the_folder_where_one_is_has_its_name(tmp_path, monkeypatch):
    (tmp_path / "faces").mkdir()
    monkeypatch.chdir(tmp_path / "faces")
    assert classifier_protocol("rotations", ".", 0, 1.0) == "rotations-faces-seed0-acc100"


def test_every_metric_says_which_direction_is_better():
    lower = {metric for metric, found in METRICS.items() if found.better == "lower"}
    assert lower == {
        "frechet_distance",
        "kernel_distance",
        "missed_mass",
        "invented_mass",
        "reconstruction_error",
        "reconstruction_distance",
        "imputation_error",
        "kl",
        "total_variation",
    }


@pytest.mark.parametrize("metric", METRICS)
def test_a_change_in_the_better_direction_improves(metric):
    better = METRICS[metric].better == "higher"
    assert METRICS[metric].improved(1.0, 2.0) is better
    assert METRICS[metric].improved(2.0, 1.0) is not better


def test_what_is_best_at_a_value_is_worse_on_both_sides_of_it():
    middle = {metric: found for metric, found in METRICS.items() if found.better == 0.5}
    assert {*middle} == {"c2st", "closest_records"}
    for found in middle.values():
        assert found.improved(0.4, 0.5) and found.improved(0.7, 0.5)
        assert found.improved(0.3, 0.6) and not found.improved(0.25, 0.75)
        assert found.direction == "near 0.5"


def test_the_label_of_a_metric_is_written_in_one_place():
    package = Path(alpha_bridge.__file__).parent
    text = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    assert [found.label for found in METRICS.values() if text.count(f'"{found.label}"') != 1] == []


def test_no_two_metrics_share_a_label():
    assert len({found.label for found in METRICS.values()}) == len(METRICS)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("frechet_distance/classifier/5000", "Fréchet distance (classifier, 5000)"),
        ("log_likelihood/kde-0.1/10000", "Log-likelihood (kde-0.1, 10000)"),
        ("ess/forward", "Effective sample size (forward)"),
        ("sigma", "Decoder noise σ"),
        ("something_new", "Something new"),
    ],
)
def test_labels_are_read_from_keys_of_records(key, expected):
    assert label(key) == expected


def test_a_metric_of_a_later_version_is_one():
    assert is_metric("something_new/any/7")


def test_a_value_keeps_four_digits_and_has_no_exponent_where_it_is_large():
    assert [*map(formatted, (0.000123456, 12.3456, -98765.4))] == ["0.0001235", "12.35", "-98,765"]


def test_an_unknown_metric_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"one of frechet_distance, .*, got 'fid'"):
        name("fid", "inception", 10)


@pytest.mark.parametrize("protocol", ["", "kde/0.1"])
def test_a_protocol_that_could_not_be_parsed_is_refused(protocol):
    with pytest.raises(ValueError, match="without a slash"):
        name("log_likelihood", protocol, 10)


def test_a_metric_of_no_samples_is_refused():
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        name("modes", "3std", 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "loss",
        "modes/3std",
        "modes//10",
        "fid/inception/10",
        "modes/3std/ten",
        "ess/a/0",
        "modes/3std/10-test",
        "modes/3std/10-train-0",
        "modes/3std/10/20",
    ],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ValueError, match="metric/protocol/samples"):
        parse(text)
