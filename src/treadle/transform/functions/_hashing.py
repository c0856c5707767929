"""Hashes and crosses: categories without a vocabulary, and two categories as one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from treadle.errors import NoLoweringError, TransformError
from treadle.graph import made_of_nothing, replace_nodes, walk
from treadle.graph import nodes as n
from treadle.graph import text_nodes as t
from treadle.transform._column import Column, describe, text
from treadle.transform._location import user_line
from treadle.transform.functions._numbers import _category

if TYPE_CHECKING:
    from treadle.transform.functions._lists import Items

Sources = tuple[n.Input, ...]
Steps = tuple[tuple[object, ...], ...]


def hash_buckets(x: Column, num_buckets: int, *, key: str = "") -> Column:
    """A number from 0 to ``num_buckets - 1`` by a hash of the value; missing stays missing.

    Text is hashed by BLAKE2b where it enters the graph, integers by splitmix64 in the graph.

    Args:
        x: Text, of features and what text functions make of them; or integers.
        num_buckets: How many. Different values share one at times: of ``n`` values about ``n / num_buckets`` each.
        key: Another key, another hash. A secret one keeps others from finding values that collide (text only).
    """
    _check_buckets("num_buckets", num_buckets, 1)
    return Column(t.HashBucket(num_buckets, hashed(_category(x), key)))


def cross(left: Column, right: Column, *more: Column) -> Column:
    """Every combination of categories as one category; missing where any is missing or of no category.

    The id is ``left * (number of right) + right``, so the categories multiply: take ``hash_buckets`` of it where
    there are too many.

    Args:
        left: A column whose categories are known, as of ``vocabulary``, ``bucketize``, ``hour_of_day``.
        right: Another.
        more: Others.
    """
    crossed = _known(left)
    for other in (right, *more):
        crossed = t.Cross(crossed, _known(other))
    return Column(crossed)


def length(x: Column | Items) -> Column:
    """How many characters (Unicode code points) a text has, or items a list; missing stays missing."""
    from treadle.transform.functions._lists import Items

    if isinstance(x, Items):
        return x.length()
    return Column(prepared(x, (("count",),), n.Kind.KEY))


def hashed(node: n.Node, key: str) -> n.Node:
    """A hash of 63 bits."""
    if not isinstance(key, str) or len(key.encode("utf-8", "surrogatepass")) > 64:
        raise TransformError("A hash key is text of at most 64 bytes.", where=user_line())
    if node.kind == n.Kind.TEXT:
        return prepared(Column(node), (("hash", key),), n.Kind.KEY)
    seed = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "little") if key else 0
    return t.MixedKey(seed, node)


def prepared(x: Column, steps: Steps, holds: n.Kind) -> n.Node:
    """What is made of a text where it enters; of a text that a condition chose, of either side, and chosen then.

    Raises:
        NoLoweringError: It is made of another text than those of features, constants and conditions between them.
    """
    node = text(x)
    outermost_first = reversed(list(walk([node])))
    choice = next((found for found in outermost_first if _is_choice(found)), None)
    if choice is None:
        return prepared_of(*_source(node), steps, holds)
    condition, *sides = _parts_of_choice(choice)
    made = (prepared(Column(replace_nodes([node], {id(choice): side})[0]), steps, holds) for side in sides)
    return n.Choice(condition, *made)


def _is_choice(node: n.Node) -> bool:
    return node.kind == n.Kind.TEXT and (
        isinstance(node, n.Choice) or (isinstance(node, n.FillMissing) and not isinstance(node.value, n.Text))
    )


def _parts_of_choice(node: n.Node) -> tuple[n.Node, n.Node, n.Node]:
    if isinstance(node, n.FillMissing):
        return n.IsMissing(node.x), node.value, node.x
    assert isinstance(node, n.Choice)
    return node.condition, node.then, node.otherwise


def prepared_of(sources: Sources, before: Steps, steps: Steps, holds: n.Kind, size: int = 1) -> n.Node:
    """What is made of features by some steps and then others; a constant where it is of none."""
    if not sources:
        return _constant((*before, *steps), holds)
    return t.Prepared(sources[0], (*before, *steps), holds, size, sources[1:])


def source_of(x: Column) -> tuple[Sources, Steps]:
    """The raw features that a text is made of, and how.

    Raises:
        NoLoweringError: A condition chose it, or it is a constant.
    """
    sources, steps = _source(text(x))
    if not sources:
        raise NoLoweringError("Tokens are made of a feature, and this text is a constant.", where=user_line())
    return sources, steps


def _source(node: n.Node) -> tuple[Sources, Steps]:
    if isinstance(node, n.Input):
        return (node,), ()
    if isinstance(node, n.Text):
        return (), (("fill", node.value),)
    if isinstance(node, t.AsciiCase):
        sources, steps = _source(node.x)
        return sources, (*steps, ("upper" if node.upper else "lower",))
    if isinstance(node, n.FillMissing) and isinstance(node.value, n.Text):
        sources, steps = _source(node.x)
        return sources, (*steps, ("fill", node.value.value))
    if isinstance(node, t.Prepared) and not t.is_padded(node):
        return cast("Sources", node.operands), cast("Steps", node.steps[:-1])
    if isinstance(node, t.Joined):
        return _joined(node)
    raise NoLoweringError(
        "Tokens are made of a text where it enters, and this one is chosen in the graph.",
        where=user_line(),
        hint="Take them of a text feature, or of what text functions make of one, and choose then.",
    )


def _constant(steps: Steps, holds: n.Kind) -> n.Node:
    made = made_of_nothing(steps)
    if holds == n.Kind.KEY:
        return n.Key(int(made))
    if holds == n.Kind.NUMBER:
        return n.Number(float(made))
    if holds == n.Kind.TEXT:
        return n.Text(str(made))
    raise NoLoweringError(
        "A text that is a constant says one time for all rows.", where=user_line(), hint="Leave it missing."
    )


def _joined(node: t.Joined) -> tuple[Sources, Steps]:
    sources: list[n.Input] = []
    parts: list[object] = []
    for side in (node.left, node.right):
        found, steps = _source(side)
        if not found:
            parts.append(str(made_of_nothing((*steps, ("text",)))))
            continue
        for source in found:
            if not any(source is known for known in sources):
                sources.append(source)
        parts.append((tuple(next(i for i, s in enumerate(sources) if s is each) for each in found), steps))
    return tuple(sources), (("concat", *parts),)


def _known(x: Column) -> n.Node:
    node = _category(x)
    if n.categories(node) is None:
        raise TransformError(
            f"cross needs to know the categories, and this is {describe(x)}.",
            where=user_line(),
            hint="Take tt.vocabulary, tt.bucketize or tt.hash_buckets first.",
        )
    return node


def _check_buckets(name: str, value: object, least: int) -> None:
    if type(value) is not int or not least <= value < 2**31:
        raise TransformError(f"{name} must be a whole number of at least {least}, not {value!r}.", where=user_line())
