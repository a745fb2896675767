import pytest

from alpha_bridge.metrics.names import METRICS, name, parse


@pytest.mark.parametrize(
    "text",
    [
        "frechet_distance/classifier/5000",
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


def test_every_metric_says_which_direction_is_better():
    lower = {metric for metric, told in METRICS.items() if told.better == "lower"}
    assert lower == {
        "frechet_distance",
        "kernel_distance",
        "missed_mass",
        "invented_mass",
        "reconstruction_error",
    }


def test_labels_tell_metrics_apart():
    assert len({told.label for told in METRICS.values()}) == len(METRICS)


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
    "text", ["", "loss", "modes/3std", "modes//10", "fid/inception/10", "modes/3std/ten", "ess/a/0"]
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ValueError, match="metric/protocol/samples"):
        parse(text)
