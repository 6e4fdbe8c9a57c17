"""How experiments are computed: what each means, where its text and models come from, here or on Dask workers."""
