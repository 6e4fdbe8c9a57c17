"""Which experiments each figure and table shows, at which size of the study, and their results as tidy tables."""
