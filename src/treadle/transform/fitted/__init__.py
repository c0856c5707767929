"""Functions of columns that depend on the data: scales, buckets, vocabularies, encodings."""
