"""Distance on the globe, from what ONNX Runtime has in float64: no arc functions, so one is composed."""

from __future__ import annotations

from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, number

EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the Earth in kilometres (IUGG)."""
_TERMS = 12


def haversine(
    latitude: Column | float, longitude: Column | float, to_latitude: Column | float, to_longitude: Column | float
) -> Column:
    """The distance of two places along a sphere of the Earth's mean radius, in kilometres; missing when any part is.

    The haversine formula; an error of up to 0.5 % remains, since the Earth is no sphere.

    Args:
        latitude: Of the one place, in degrees, north positive.
        longitude: Of the one place, in degrees, east positive.
        to_latitude: Of the other.
        to_longitude: Of the other.
    """
    lat1, lon1, lat2, lon2 = (number(value) for value in (latitude, longitude, to_latitude, to_longitude))
    across = _times(_squared_sine(_minus(lon2, lon1)), _cosine(lat1))
    share = _plus(_squared_sine(_minus(lat2, lat1)), _times(across, _cosine(lat2)))
    share = n.Arithmetic("minimum", share, n.Number(1.0))  # rounding may step over
    half = _half_angle(share)
    return Column(_times(half, 2 * EARTH_RADIUS_KM))


def _half_angle(share: n.Node) -> n.Node:
    """``arcsin(sqrt(share))``: the angle halved three times, where the series of arctan is short.

    With ``tan(a / 2) = tan(a) / (1 + sqrt(1 + tan(a)^2))``; the series ends below 1e-17.
    """
    sine, cosine = n.Function("sqrt", share), n.Function("sqrt", _minus(n.Number(1.0), share))
    tangent: n.Node = n.Arithmetic("divide", sine, _plus(cosine, n.Number(1.0)))
    for _ in range(2):
        root = n.Function("sqrt", _plus(_times(tangent, tangent), n.Number(1.0)))
        tangent = n.Arithmetic("divide", tangent, _plus(root, n.Number(1.0)))
    square = _times(tangent, tangent)
    series: n.Node = n.Number(0.0)
    for term in reversed(range(_TERMS)):
        coefficient = (-1.0) ** term / (2 * term + 1)
        series = n.Number(coefficient) if term == _TERMS - 1 else _plus(_times(series, square), n.Number(coefficient))
    return _times(_times(series, tangent), 8.0)


def _squared_sine(difference: n.Node) -> n.Node:
    """Of half of a difference in degrees."""
    sine = t.Sine(n.Arithmetic("divide", difference, n.Number(720.0)))
    return _times(sine, sine)


def _cosine(degrees: n.Node) -> n.Node:
    return t.Sine(_plus(n.Arithmetic("divide", degrees, n.Number(360.0)), n.Number(0.25)))


def _times(left: n.Node, right: n.Node | float) -> n.Node:
    return n.Arithmetic("multiply", left, n.Number(right) if isinstance(right, float) else right)


def _plus(left: n.Node, right: n.Node) -> n.Node:
    return n.Arithmetic("add", left, right)


def _minus(left: n.Node, right: n.Node) -> n.Node:
    return n.Arithmetic("subtract", left, right)
