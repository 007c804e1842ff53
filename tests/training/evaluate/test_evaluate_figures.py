"""The figures, against values worked out by hand or by scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer needs torch")

from scipy.special import softmax
from scipy.stats import binomtest
from sklearn.metrics import log_loss, roc_auc_score

from training.errors import BadInput
from training.evaluate.answers import Answers, letterboxed, mirrored
from training.evaluate.calibration_scores import (
    brier,
    ece,
    fit_temperature,
    nll,
    reliability,
    with_temperature,
)
from training.evaluate.interval import Share
from training.evaluate.novelty import (
    auroc,
    neighbour_distances,
    novel_accepted,
    novelty_scores,
)
from training.evaluate.risk_coverage import RiskCoverage


@pytest.mark.parametrize(("right", "of"), [(0, 7), (7, 7), (302, 328), (1, 2)])
def test_interval_is_wilsons(right: int, of: int) -> None:
    share = Share(right, of)
    wanted = binomtest(right, of).proportion_ci(0.95, method="wilson")
    assert (share.low, share.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_interval_of_nothing_excludes_nothing() -> None:
    assert (Share(0, 0).low, Share(0, 0).value, Share(0, 0).high) == (0.0, 0.0, 1.0)


FOUR = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55]])
LABELS = np.array([0, 1, 1, 1])


def test_nll_and_brier() -> None:
    assert nll(FOUR, LABELS) == pytest.approx(log_loss(LABELS, FOUR))
    # Twice the squared error of one class: 2 · (0.1² + 0.8² + 0.3² + 0.45²) / 4
    assert brier(FOUR, LABELS) == pytest.approx(2 * (0.01 + 0.64 + 0.09 + 0.2025) / 4)


def test_a_probability_of_nothing_costs_much_but_not_everything() -> None:
    assert 80 < nll(np.array([[1.0, 0.0]]), np.array([1])) < 90


def test_calibration_error_with_bins_of_equal_mass() -> None:
    # {0.55 right, 0.7 right} and {0.8 wrong, 0.9 right}
    bins = reliability(FOUR, LABELS, 2, "mass")
    assert [b.pictures for b in bins] == [2, 2]
    assert ece(bins) == pytest.approx((abs(1 - 0.625) + abs(0.5 - 0.85)) / 2)


def test_calibration_error_with_bins_of_equal_width() -> None:
    # (0.5, 0.75] holds 0.55 and 0.7; (0.75, 1] holds 0.8 and 0.9; (0, 0.5] holds nothing
    bins = reliability(FOUR, LABELS, 4, "width")
    assert [b.pictures for b in bins] == [2, 2]
    narrow = reliability(FOUR, LABELS, 10, "width")
    assert [b.pictures for b in narrow] == [1, 1, 1, 1]  # 0.7 is in (0.6, 0.7]
    assert ece(narrow) == pytest.approx((0.45 + 0.3 + 0.8 + 0.1) / 4)


def test_full_confidence_is_in_the_last_bin() -> None:
    [only] = reliability(np.array([[1.0, 0.0]]), np.array([0]), 15, "width")
    assert (only.confidence, only.accuracy) == (1.0, 1.0)


def drawn(temperature: float, pictures: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from the model's own probabilities, and those made too sure."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (pictures, 4))
    chances = softmax(logits, axis=1)
    labels = np.array([rng.choice(4, p=row) for row in chances])
    return softmax(logits * temperature, axis=1), labels


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_temperature_is_found_again(temperature: float) -> None:
    probabilities, labels = drawn(temperature)
    found = fit_temperature(probabilities, labels, "here")
    assert found == pytest.approx(temperature, rel=0.06)
    best = nll(with_temperature(probabilities, found), labels)
    assert best <= min(
        nll(with_temperature(probabilities, found * f), labels) for f in (0.99, 1.01)
    )


def test_temperature_keeps_the_order() -> None:
    probabilities, _ = drawn(1.0, 50)
    softer = with_temperature(probabilities, 2.5)
    np.testing.assert_array_equal(softer.argsort(1), probabilities.argsort(1))
    np.testing.assert_allclose(with_temperature(softer, 1 / 2.5), probabilities, atol=1e-12)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1]])
def test_temperature_that_the_pictures_do_not_tell(labels: list[int]) -> None:
    with pytest.raises(BadInput, match=r"^val: no temperature between .* its 3 pictures"):
        fit_temperature(np.array([[0.9, 0.1]] * 3), np.array(labels), "val")


def curve(confidence: list[float], right: list[int]) -> RiskCoverage:
    return RiskCoverage.of(np.array(confidence), np.array(right, dtype=bool))


def test_risk_and_coverage() -> None:
    found = curve([0.7, 0.9, 0.6, 0.8], [1, 1, 1, 0])
    assert found.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert found.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    assert found.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    # The best order has its one error last: (0 + 0 + 0 + 1/4) / 4
    assert found.excess_aurc == pytest.approx((1 / 2 + 1 / 3) / 4)


def test_pictures_of_one_confidence_share_a_point() -> None:
    for right in ([1, 0, 1], [1, 1, 0]):
        found = curve([0.9, 0.5, 0.5], right)
        assert found.accepted.tolist() == [1, 3]
        assert found.aurc == pytest.approx(0 / 3 + 2 / 3 * 1 / 3)


def test_perfect_order_has_no_excess() -> None:
    assert curve([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 0]).excess_aurc == pytest.approx(0)
    assert curve([0.9, 0.8], [1, 1]).aurc == 0


def test_threshold_for_a_precision_covers_as_much_as_it_can() -> None:
    found = curve([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 1])
    choice = found.for_precision(0.7)  # the precisions are 1, 1/2, 2/3, 3/4
    assert choice is not None
    assert (choice.threshold, choice.coverage) == (0.6, 1.0)
    choice = found.for_precision(0.99)
    assert choice is not None
    assert (choice.threshold, choice.precision.right, choice.precision.of) == (0.9, 1, 1)


def test_precision_out_of_reach() -> None:
    found = curve([0.9, 0.8, 0.7], [0, 1, 1])
    assert found.for_precision(0.99) is None
    assert found.most_precise().threshold == 0.7


def test_auroc_counts_ties_half() -> None:
    known, novel = np.array([0.1, 0.4, 0.4]), np.array([0.4, 0.9])
    assert auroc(known, novel) == pytest.approx((1 + 0.5 + 0.5 + 3) / 6)
    scores = np.concatenate([known, novel])
    assert auroc(known, novel) == pytest.approx(roc_auc_score([0, 0, 0, 1, 1], scores))


def test_novel_pictures_let_through() -> None:
    known = np.arange(20.0)  # 95% of 20 are 19: the limit is 18
    assert novel_accepted(known, np.array([17.0, 18.0, 18.5, 40.0])) == 0.5


def test_novelty_scores() -> None:
    probabilities = np.array([[0.5, 0.5], [1.0, 0.0]])
    scores = novelty_scores(Answers(probabilities, EMPTY, energy=np.array([-2.5, 0.0])))
    assert scores["max probability"].tolist() == [0.5, 0.0]
    assert scores["entropy"].tolist() == pytest.approx([np.log(2), 0.0])
    assert scores["energy"].tolist() == [-2.5, 0.0]
    assert "energy" not in novelty_scores(Answers(probabilities, EMPTY))


EMPTY = np.zeros(2)


def test_distance_to_the_fifth_neighbour() -> None:
    """Known ones at 0°, 10° … 50°, a novel one at 90°: none counts itself, length is nothing."""
    angles = np.radians([0, 10, 20, 30, 40, 50])
    lengths = np.array([1, 2, 3, 4, 5, 6])
    known = (lengths * [np.cos(angles), np.sin(angles)]).T.astype(np.float32)
    of_known, of_novel = neighbour_distances(known, np.array([[0, 7]], dtype=np.float32))

    def chord(degrees: float) -> float:
        return 2 * np.sin(np.radians(degrees) / 2)

    assert of_known == pytest.approx([chord(d) for d in (50, 40, 30, 30, 40, 50)], abs=1e-6)
    assert of_novel == pytest.approx([chord(80)], abs=1e-6)


def test_letterbox_pads_around_the_middle() -> None:
    picture = np.zeros((2, 4, 3), dtype=np.uint8)
    padded = letterboxed(picture, aspect=1.0)
    assert padded.shape == (4, 4, 3)
    assert padded[0, 0].tolist() == [124, 116, 104]
    assert not padded[1:3].any()
    assert letterboxed(picture, aspect=0.5).shape == (2, 4, 3)
    assert letterboxed(picture, aspect=0.25).shape == (2, 8, 3)


def test_four_mirror_images() -> None:
    picture = np.arange(4, dtype=np.uint8).reshape(2, 2, 1).repeat(3, axis=2)
    seen = [view[..., 0].tolist() for view in mirrored(picture)]
    assert seen == [[[0, 1], [2, 3]], [[1, 0], [3, 2]], [[2, 3], [0, 1]], [[3, 2], [1, 0]]]
