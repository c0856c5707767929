"""Training: the user's function gets transformed features and labels, and returns a fitted model.

Examples:
    >>> def train(data):
    ...     from sklearn.linear_model import LogisticRegression
    ...     return LogisticRegression().fit(data.train.features, data.train.labels)
"""

from treadle.training._data import Batch, SplitData, TrainingData
from treadle.training._fit import fit
from treadle.training._load import load_split, load_training_data

__all__ = ["Batch", "SplitData", "TrainingData", "fit", "load_split", "load_training_data"]
