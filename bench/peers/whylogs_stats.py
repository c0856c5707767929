"""A profile of a CSV by whylogs."""

import sys

import pandas as pd
import whylogs

frame = pd.read_csv(sys.argv[1])
assert len(frame) == int(sys.argv[2])
whylogs.log(frame).view().to_pandas()
