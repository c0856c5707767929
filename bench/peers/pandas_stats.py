"""What a person does by hand with pandas: describe, counts and top values of a CSV."""

import sys

import pandas as pd

frame = pd.read_csv(sys.argv[1])
assert len(frame) == int(sys.argv[2])
frame.describe(include="all")
for name in frame.columns:
    frame[name].value_counts().head(10)
