"""Figure 2: its numbers, its verdicts and its files."""

import json

import pytest

from experiments import figure2, reproduce


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("figure2") / "new"


@pytest.fixture(scope="module")
def figure(folder):
    """What is drawn, once, of the record in ``folder``."""
    drawn = []

    def draw(record, draw=figure2.draw):
        drawn.append(draw(record))
        return drawn[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure2, "UPDATES", 2)  # of the γ that is estimated online
        patch.setattr(figure2, "draw", draw)
        reproduce("figure2", folder, trials=100)
    (figure,) = drawn
    return figure


@pytest.fixture(scope="module")
def record(figure, folder):  # noqa: ARG001
    return json.loads((folder / "figure2.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole():
    """With as many updates of the online γ as the experiment has."""
    return json.loads(json.dumps(figure2.measure()))


def variances(record, kind, mean, parameter, name):
    return [
        point[kind][name]
        for point in record["points"]
        if (point["mu"], point["parameter"]) == (mean, parameter)
    ]


def verdicts(record, about):
    found = [claim for claim in record["claims"] if claim["about"] == about]
    assert found
    return found


def test_there_is_a_point_for_each_problem_parameter_and_alpha(record):
    keys = {(p["mu"], p["parameter"], p["alpha"]) for p in record["points"]}
    assert len(keys) == len(record["points"]) == 2 * 3 * len(figure2.ALPHAS)


@pytest.mark.usefixtures("figure")
def test_the_figure_is_written(folder):
    assert (folder / "figure2.png").read_bytes().startswith(b"\x89PNG")


def test_the_figure_has_a_panel_for_each_curve_and_one_of_claims(figure):
    assert len(figure.axes) == 7
    titles = [axes.get_title(loc="left") for axes in figure.axes[:6]]
    assert titles[0] == "μ = 3: ∂D/∂μ"
    assert len(set(titles)) == 6
    written = {text.get_text() for text in figure.axes[6].texts}
    assert set(figure2.CLAIMS.values()) <= written


@pytest.mark.parametrize("about", ["forward", "reverse"])
def test_each_twin_is_the_better_one_at_its_end(record, about):
    assert all(claim["exact"]["holds"] for claim in verdicts(record, about))


def test_with_the_sigmoid_the_combination_is_not_the_lowest_everywhere(record):
    for claim in verdicts(record, "combined"):
        assert 0 < claim["exact"]["share"] < 0.5


def test_with_the_optimal_gamma_it_is_for_both_parameters_together(record):
    both = [claim for claim in verdicts(record, "optimal") if claim["parameter"] == "both"]
    assert {claim["exact"]["share"] for claim in both} == {1}


def test_the_ranges_of_a_claim_have_its_share(record):
    for claim in record["claims"]:
        for verdict in (claim["measured"], claim["exact"]):
            inside = [
                any(low <= alpha <= high for low, high in verdict["alphas"])
                for alpha in figure2.ALPHAS
            ]
            assert verdict["share"] == pytest.approx(sum(inside) / len(inside))


def test_gains_are_the_known_ones(record):
    gains = {g["alpha"]: g["optimal"] for g in record["gains"] if g["mu"] == 3}
    known = {0.2: 0.0446, 0.5: 0.3113, 0.8: 0.0745, 0.95: 0.00423}
    assert {alpha: gains[alpha] for alpha in known} == pytest.approx(known, rel=0.005)


@pytest.mark.slow
def test_the_online_gamma_keeps_up_with_alpha(whole):
    assert max(g["online"] / g["optimal"] for g in whole["gains"]) < 1.1


def test_a_hundred_trials_miss_the_rare_samples(record):
    measured = variances(record, "measured", 3, "both", "forward")[-1]
    exact = variances(record, "exact", 3, "both", "forward")[-1]
    assert measured < 0.01 * exact


@pytest.mark.slow
def test_many_trials_measure_the_exact_variance(monkeypatch):
    monkeypatch.setattr(figure2, "UPDATES", 1)
    record = figure2.measure(seed=1, trials=20_000)
    for name in ("forward", "reverse", "combined", "optimal"):
        for parameter in ("mean", "scale"):
            measured = variances(record, "measured", 1, parameter, name)[12:20]
            exact = variances(record, "exact", 1, parameter, name)[12:20]
            assert measured == pytest.approx(exact, rel=0.3), (name, parameter)


def test_the_same_seed_gives_the_same_record(monkeypatch):
    monkeypatch.setattr(figure2, "UPDATES", 2)
    monkeypatch.setattr(figure2, "ALPHAS", (0.2, 0.5))
    one, other = (figure2.measure(seed=0, trials=100) for _ in range(2))
    assert one == other


def test_one_trial_has_no_variance():
    with pytest.raises(ValueError, match="trials=1"):
        figure2.measure(trials=1)
