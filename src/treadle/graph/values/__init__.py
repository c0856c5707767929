"""Values as a model takes them: from tables and from requests, by one boundary."""
