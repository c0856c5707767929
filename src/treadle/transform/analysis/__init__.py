"""Looking at the data: accumulators, what is in one pass, over spans and engines."""
