"""A data summary of a CSV by Evidently."""

import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataSummaryPreset

frame = pd.read_csv(sys.argv[1])
assert len(frame) == int(sys.argv[2])
Report([DataSummaryPreset()]).run(frame, None).dict()
