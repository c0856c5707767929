"""What `transform.py` asks of Treadle, by hand with scikit-learn: 6 z-scores, 4 vocabularies, 10 buckets.

Its ids are in the order of the values, not of their frequency, and its buckets take no missing value, which becomes
the median.
"""

import sys

import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OrdinalEncoder, StandardScaler

SCORES = ["dep_delay", "arr_delay", "air_time", "distance", "hour", "minute"]
TEXTS = ["carrier", "origin", "dest", "tailnum"]
flights = pq.read_table(sys.argv[1], columns=[*SCORES, *TEXTS, "dep_time"]).to_pandas()
buckets = KBinsDiscretizer(10, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf")
steps = ColumnTransformer(
    [
        ("scores", StandardScaler(), SCORES),
        ("texts", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TEXTS),
        ("buckets", make_pipeline(SimpleImputer(strategy="median"), buckets), ["dep_time"]),
    ]
)
features = steps.fit_transform(flights).astype("float32")
names = [*SCORES, *TEXTS, "dep_time"]
pq.write_table(pa.table({name: features[:, i] for i, name in enumerate(names)}), sys.argv[2], compression="zstd")
