"""Training: the user's function gets transformed features and labels, and returns a fitted model.

Examples:
    >>> def train(data):
    ...     from sklearn.linear_model import LogisticRegression
    ...     return LogisticRegression().fit(data.train.features, data.train.labels)
"""

from treadle.training._data import SplitData, TrainingData, load_split, load_training_data
from treadle.training._fit import fit

__all__ = ["SplitData", "TrainingData", "fit", "load_split", "load_training_data"]
