"""Statistics of a CSV by TensorFlow Data Validation, in one process as it does by default."""

import sys

import tensorflow_data_validation as tfdv

found = tfdv.generate_statistics_from_csv(sys.argv[1])
assert found.datasets[0].num_examples == int(sys.argv[2])
