"""Distances against the thresholds of a schema."""

from __future__ import annotations

from collections.abc import Iterator

from treadle.schema import Feature
from treadle.validation._anomaly import Reason
from treadle.validation._finding import Finding
from treadle.validation.distances import Distance

MEASURES = {
    "l_infinity": (Reason.DRIFT_L_INFINITY, "L-infinity distance"),
    "jensen_shannon": (Reason.DRIFT_JENSEN_SHANNON, "Jensen-Shannon divergence"),
    "missing": (Reason.DRIFT_MISSING, "difference of the shares of missing values"),
    "psi": (Reason.DRIFT_PSI, "population stability index"),
    "kolmogorov_smirnov": (Reason.DRIFT_KOLMOGOROV_SMIRNOV, "Kolmogorov-Smirnov distance"),
    "wasserstein": (Reason.DRIFT_WASSERSTEIN, "Wasserstein distance in standard deviations"),
    "cramers_v": (Reason.DRIFT_CRAMERS_V, "effect of the chi-squared test (Cramér's V)"),
}
"""The name of a threshold -> its reason, and its words."""

_LABEL_SHIFT = 0.1
_LABEL_P_VALUE = 0.001


def exceeded(distance: Distance, thresholds: dict[str, float | None], p_value: float | None = None) -> list[str]:
    """The measures that are above their thresholds and, if there is a limit of the p-value, beyond chance."""
    found = []
    for measure in MEASURES:
        value, threshold = getattr(distance, measure), thresholds.get(measure)
        if value is None or threshold is None or value <= threshold:
            continue
        chance = distance.missing_p_value if measure == "missing" else distance.p_value
        if p_value is None or (chance is not None and chance < p_value):
            found.append(measure)
    return found


def drift_findings(feature: Feature, distance: Distance) -> Iterator[Finding]:
    """The thresholds that are exceeded, and those that had nothing to be compared with."""
    thresholds = {measure: getattr(feature, measure) for measure in MEASURES}
    undefined = [words for measure, (_, words) in MEASURES.items() if _is_undefined(feature, distance, measure)]
    if undefined:
        yield Finding(
            Reason.DRIFT_UNDEFINED,
            f"Not compared with the baseline by {' and '.join(undefined)}: {distance.note}.",
            {"note": distance.note},
        )
    for measure in exceeded(distance, thresholds, feature.p_value):
        reason, words = MEASURES[measure]
        found, threshold = getattr(distance, measure), thresholds[measure]
        details = {"distance": found, "threshold": threshold}
        worst = chance = ""
        if reason is Reason.DRIFT_L_INFINITY and distance.value is not None:
            details["value"] = distance.value
            worst = f", most for {distance.value!r}"
        if feature.p_value is not None:
            details["p_value"] = distance.missing_p_value if measure == "missing" else distance.p_value
            chance = f" (p = {details['p_value']:.2g})"
        yield Finding(reason, f"The {words} is {found:.4g}, above {threshold:g}{worst}{chance}.", details)


def label_shift(feature: Feature, distance: Distance) -> Iterator[Finding]:
    """The classes of a label occur in other shares: by 0.1 and beyond chance, if no L-infinity is declared."""
    if feature.l_infinity is not None or distance.l_infinity is None:
        return
    if exceeded(distance, {"l_infinity": _LABEL_SHIFT}, _LABEL_P_VALUE):
        details = {"distance": distance.l_infinity, "value": distance.value, "p_value": distance.p_value}
        words = f"The share of {distance.value!r} differs by {distance.l_infinity:.4g} from the baseline's"
        yield Finding(Reason.LABEL_SHIFT, f"{words} (p = {distance.p_value:.2g}).", details)


def _is_undefined(feature: Feature, distance: Distance, measure: str) -> bool:
    return getattr(feature, measure) is not None and getattr(distance, measure) is None
