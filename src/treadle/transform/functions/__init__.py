"""Functions of columns that need no look at the data."""
