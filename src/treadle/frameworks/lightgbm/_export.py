"""A booster as one ``TreeEnsemble``, exact in float32.

LightGBM compares float64: ``x <= t``. For a float32 ``x`` that is ``x <= floor32(t)``, where ``floor32`` is the
largest float32 that is not above ``t``; rounding to nearest instead could step over a value of the data.

Missing values, as LightGBM decides them per feature: ``NaN`` goes the default way; of a feature that had none in
training it counts as 0; with ``zero_as_missing`` zeros go the default way too. A categorical feature loses its
fraction, and NaN, negative and unseen categories go right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from treadle.errors import UnsupportedModelError
from treadle.frameworks._adapter import ModelSignature
from treadle.frameworks.lightgbm._match import IDENTITY, LOG_LINK, booster_of, objective
from treadle.graph import make_model

_LESS_EQUAL, _MEMBER = 0, 6
_AVERAGE, _SUM = 0, 1
_ZERO = np.float32(1e-35)
"""LightGBM takes magnitudes up to this for zero."""


def to_onnx(model: Any, signature: ModelSignature) -> onnx.ModelProto:
    """``features`` ``[N, F]`` float32 to ``prediction`` ``[N, 1]`` float32.

    Raises:
        UnsupportedModelError: The trees have linear models in their leaves.
    """
    booster = booster_of(model)
    dump = booster.dump_model()
    trees = _Trees()
    for tree in dump["tree_info"]:
        trees.add_tree(tree["tree_structure"])
    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []
    features = _adjusted(trees, signature.num_features, nodes, tensors)
    nodes.append(
        helper.make_node(
            "TreeEnsemble",
            [features],
            ["raw"],
            domain="ai.onnx.ml",
            aggregate_function=_AVERAGE if dump.get("average_output") else _SUM,
            **trees.attributes(),
        )
    )
    _link(objective(booster), nodes, tensors)
    given = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", signature.num_features])
    output = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["N", 1])
    return make_model("trees", nodes, [given], [output], tensors)


@dataclass
class _Trees:
    """The trees in ``TreeEnsemble``'s columns: inner nodes and leaves apart, each in order of visit."""

    roots: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    split: list[float] = field(default_factory=list)
    mode: list[int] = field(default_factory=list)
    true_at: list[int] = field(default_factory=list)
    true_leaf: list[int] = field(default_factory=list)
    false_at: list[int] = field(default_factory=list)
    false_leaf: list[int] = field(default_factory=list)
    nan_is_true: list[int] = field(default_factory=list)
    members: list[float] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    zero_is_missing: set[int] = field(default_factory=set)
    categorical: set[int] = field(default_factory=set)

    def add_tree(self, structure: Mapping[str, Any]) -> None:
        self.roots.append(len(self.feature))
        if "split_feature" not in structure:  # a tree of one leaf: both ways lead to it
            at = self._add_node(0, 0.0, _LESS_EQUAL, nan_is_true=True)
            leaf = self._add_leaf(structure)
            self._connect(at, (leaf, 1), (leaf, 1))
            return
        # Not recursive: a leaf-wise tree may be as deep as it has leaves.
        stack: list[tuple[Mapping[str, Any], Callable[[int, int], None]]] = [(structure, lambda at, is_leaf: None)]  # noqa: ARG005
        while stack:
            node, tell = stack.pop()
            if "split_feature" not in node:
                tell(self._add_leaf(node), 1)
                continue
            at = self._add_split(node)
            tell(at, 0)
            stack.append((node["right_child"], self._teller(at, self.false_at, self.false_leaf)))
            stack.append((node["left_child"], self._teller(at, self.true_at, self.true_leaf)))

    def attributes(self) -> dict[str, Any]:
        """The attributes of ``TreeEnsemble``."""
        found = {
            "tree_roots": self.roots,
            "nodes_featureids": self.feature,
            "nodes_splits": numpy_helper.from_array(np.array(self.split, dtype=np.float32), "splits"),
            "nodes_modes": numpy_helper.from_array(np.array(self.mode, dtype=np.uint8), "modes"),
            "nodes_truenodeids": self.true_at,
            "nodes_trueleafs": self.true_leaf,
            "nodes_falsenodeids": self.false_at,
            "nodes_falseleafs": self.false_leaf,
            "nodes_missing_value_tracks_true": self.nan_is_true,
            "leaf_targetids": [0] * len(self.leaves),
            "leaf_weights": numpy_helper.from_array(np.array(self.leaves, dtype=np.float32), "weights"),
            "n_targets": 1,
            "post_transform": 0,
        }
        if self.members:
            members = np.array(self.members, dtype=np.float32)
            found["membership_values"] = numpy_helper.from_array(members, "members")
        return found

    def _add_split(self, node: Mapping[str, Any]) -> int:
        feature = int(node["split_feature"])
        if node["decision_type"] == "==":
            self.categorical.add(feature)
            self.members += [float(category) for category in str(node["threshold"]).split("||")] + [float("nan")]
            return self._add_node(feature, 0.0, _MEMBER, nan_is_true=False)
        threshold = float(node["threshold"])
        without_nan = node["missing_type"] == "None"
        nan_is_true = threshold >= 0.0 if without_nan else bool(node["default_left"])
        if node["missing_type"] == "Zero":
            self.zero_is_missing.add(feature)
        return self._add_node(feature, floor32(threshold), _LESS_EQUAL, nan_is_true=nan_is_true)

    def _add_node(self, feature: int, split: float, mode: int, *, nan_is_true: bool) -> int:
        self.feature.append(feature)
        self.split.append(split)
        self.mode.append(mode)
        self.nan_is_true.append(int(nan_is_true))
        for column in (self.true_at, self.true_leaf, self.false_at, self.false_leaf):
            column.append(0)
        return len(self.feature) - 1

    def _add_leaf(self, node: Mapping[str, Any]) -> int:
        if "leaf_coeff" in node:
            raise UnsupportedModelError(
                "Trees with linear models in their leaves are not supported.", hint="Train with linear_tree=False."
            )
        self.leaves.append(float(node["leaf_value"]))
        return len(self.leaves) - 1

    def _connect(self, at: int, true: tuple[int, int], false: tuple[int, int]) -> None:
        self.true_at[at], self.true_leaf[at] = true
        self.false_at[at], self.false_leaf[at] = false

    @staticmethod
    def _teller(at: int, ids: list[int], leaf: list[int]) -> Callable[[int, int], None]:
        def tell(child: int, is_leaf: int) -> None:
            ids[at], leaf[at] = child, is_leaf

        return tell


def floor32(value: float) -> float:
    """The largest float32 that is not above a float64."""
    with np.errstate(over="ignore"):
        nearest = np.float32(value)
    if float(nearest) > value:
        nearest = np.nextafter(nearest, np.float32(-np.inf))
    return float(nearest)


def _adjusted(trees: _Trees, num_features: int, nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto]) -> str:
    """The matrix as the trees see it; most models take it as it is."""
    x = "features"
    if trees.zero_is_missing:
        mask = np.isin(np.arange(num_features), list(trees.zero_is_missing)).reshape(1, -1)
        tensors += [
            numpy_helper.from_array(mask, "zero_features"),
            numpy_helper.from_array(_ZERO, "zero"),
            numpy_helper.from_array(np.float32(np.nan), "nan"),
        ]
        nodes += [
            helper.make_node("Abs", [x], ["magnitude"]),
            helper.make_node("LessOrEqual", ["magnitude", "zero"], ["is_zero"]),
            helper.make_node("And", ["is_zero", "zero_features"], ["is_missing"]),
            helper.make_node("Where", ["is_missing", "nan", x], ["with_missing"]),
        ]
        x = "with_missing"
    if trees.categorical:
        mask = np.isin(np.arange(num_features), list(trees.categorical)).reshape(1, -1)
        tensors.append(numpy_helper.from_array(mask, "category_features"))
        nodes += [
            helper.make_node("Abs", [x], ["size"]),
            helper.make_node("Floor", ["size"], ["whole_size"]),
            helper.make_node("Sign", [x], ["sign"]),
            helper.make_node("Mul", ["whole_size", "sign"], ["whole"]),
            helper.make_node("Where", ["category_features", "whole", x], ["with_categories"]),
        ]
        x = "with_categories"
    return x


def _link(found: str, nodes: list[onnx.NodeProto], tensors: list[onnx.TensorProto]) -> None:
    """From the sum of the leaves to the prediction, by the objective."""
    name, *settings = found.split(" ")
    if name in LOG_LINK:
        nodes.append(helper.make_node("Exp", ["raw"], ["prediction"]))
    elif name in IDENTITY and "sqrt" in settings:
        nodes += [
            helper.make_node("Abs", ["raw"], ["raw_size"]),
            helper.make_node("Mul", ["raw_size", "raw"], ["prediction"]),
        ]
    elif name in IDENTITY:
        nodes[-1].output[0] = "prediction"
    else:
        slope = next((float(s.removeprefix("sigmoid:")) for s in settings if s.startswith("sigmoid:")), 1.0)
        if slope != 1.0:
            tensors.append(numpy_helper.from_array(np.float32(slope), "slope"))
            nodes.append(helper.make_node("Mul", ["raw", "slope"], ["scaled"]))
        nodes.append(helper.make_node("Sigmoid", ["raw" if slope == 1.0 else "scaled"], ["prediction"]))
