"""The book: what its chapters share, the index of results, and the building of it."""
