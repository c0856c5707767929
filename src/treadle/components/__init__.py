"""The standard steps: typed functions that bind the rooms below into a pipeline.

A step's module says what it promises and imports nothing heavy; the work happens in the rooms, loaded when the
node runs.
"""

from treadle.components._approval import Approval, approval
from treadle.components._approvals import ApprovalDecision, ApprovalRequest, Approvals
from treadle.components._champion import champion
from treadle.components._check_quarantine import QuarantinedRows, check_quarantine
from treadle.components._check_source import Deliveries, check_source
from treadle.components._container import container
from treadle.components._data_card import DataCard, data_card
from treadle.components._evaluate import evaluate
from treadle.components._history import history
from treadle.components._importer import importer
from treadle.components._ingest import ingest
from treadle.components._leakage import LeakageReport, check_leakage
from treadle.components._messages import email, webhook
from treadle.components._package import package
from treadle.components._push import push
from treadle.components._quarantine import quarantine
from treadle.components._resolvers import latest, latest_blessed, latest_pushed, spans, trained_on
from treadle.components._select_features import select_features
from treadle.components._statistics import statistics
from treadle.components._train import train
from treadle.components._transform import transform
from treadle.components._validate import validate

__all__ = [
    "Approval",
    "ApprovalDecision",
    "ApprovalRequest",
    "Approvals",
    "DataCard",
    "Deliveries",
    "LeakageReport",
    "QuarantinedRows",
    "approval",
    "champion",
    "check_leakage",
    "check_quarantine",
    "check_source",
    "container",
    "data_card",
    "email",
    "evaluate",
    "history",
    "importer",
    "ingest",
    "latest",
    "latest_blessed",
    "latest_pushed",
    "package",
    "push",
    "quarantine",
    "select_features",
    "spans",
    "statistics",
    "train",
    "trained_on",
    "transform",
    "validate",
    "webhook",
]
