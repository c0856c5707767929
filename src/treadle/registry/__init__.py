"""Who may let a model out, and which version is in service: numbers, aliases and the history of both.

The registry is the truth; the folder a server reads is its copy, written version first, alias second.
"""

from treadle.registry._directory import publish_version, write_alias
from treadle.registry._registry import CHAMPION, ModelVersion, Promotion, Registry

__all__ = [
    "CHAMPION",
    "ModelVersion",
    "Promotion",
    "Registry",
    "publish_version",
    "write_alias",
]
