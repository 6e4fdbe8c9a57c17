"""Where results lie: one folder each, whole or absent, with a record; and how a result is laid out in it."""
