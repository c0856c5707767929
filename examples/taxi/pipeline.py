"""Will a card-paid taxi ride tip more than 20 % of the fare? The whole of it: features, model, pipeline, policy."""

from pathlib import Path

import treadle
from treadle import components as step
from treadle import transform as tt
from treadle.evaluation import at_least, no_worse, within

HERE = Path(__file__).parent
DATA = str(HERE / "data" / "yellow_tripdata_sample_{YYYY}-{MM}.parquet")
SCHEMA = HERE / "schema.toml"
CARD_PAID = "payment_type = 1 AND fare_amount > 0"  # cash rides record no tip


def preprocess(x):
    """Raw columns to features and label; the same graph serves."""
    when = x["pickup_datetime"]
    plain = ["passenger_count", "rate_code_id", "vendor_id", "extra", "mta_tax", "tolls_amount"]
    return {
        "big_tip": x["tip_amount"] > 0.2 * x["fare_amount"],
        "fare": tt.scale_to_z_score(tt.log1p(x["fare_amount"])),
        "distance": tt.scale_to_z_score(tt.log1p(x["trip_distance"])),
        "hour": tt.hour_of_day(when),
        "day": tt.day_of_week(when),
        "month": tt.month(when),
        "surcharge": tt.fill_missing(x["congestion_surcharge"], 0.0),
        "pickup": tt.vocabulary(x["pickup_location_id"], top_k=100, num_oov_buckets=1),
        "dropoff": tt.vocabulary(x["dropoff_location_id"], top_k=100, num_oov_buckets=1),
    } | {name: tt.fill_missing(x[name], 0.0) for name in plain}


def train(data):
    """Any framework: here LightGBM, the same trees on every machine."""
    import lightgbm

    settings = {"objective": "binary", "num_leaves": 15, "learning_rate": 0.05, "min_data_in_leaf": 100}
    fixed = {"deterministic": True, "num_threads": 1, "seed": 1, "verbosity": -1}
    dataset = lightgbm.Dataset(data.train.features, data.train.labels)
    return lightgbm.train(settings | fixed, dataset, num_boost_round=100)


GATES = [at_least("auc", 0.55), within("calibration", 0.97, 1.03), no_worse("log_loss")]


@treadle.pipeline
def taxi(first: str = "2018-01", last: str = "2018-09", serving: str = "build/taxi/serving"):
    examples = step.ingest(pattern=DATA, first=first, last=last, schema=SCHEMA, where=CARD_PAID)
    statistics = step.statistics(examples, schema=SCHEMA)
    checked = step.validate(statistics, schema=SCHEMA)
    features = step.transform(examples, schema=SCHEMA, preprocess=preprocess, label="big_tip", after=[checked])
    model = step.train(features.transformed, trainer=train)
    servable = step.package(model, features.graph, examples, statistics, schema=SCHEMA)
    champion = step.champion(name="taxi", serving=serving)
    slices = [["vendor_id"], ["rate_code_id"], ["passenger_count"]]
    scores = step.evaluate(servable, examples, features.transformed, champion, gates=GATES, slices=slices)
    step.push(servable, scores.verdict, examples, name="taxi", serving=serving)


policy = treadle.RetrainPolicy(
    drift=1, quality={"calibration": (0.98, 1.02)}, every="12mo", cooldown="2mo", label_delay="1mo", window=9
)
