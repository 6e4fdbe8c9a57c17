"""What is computed: the paper's operators as expressions that nest, with their keys, and their order in a graph."""
