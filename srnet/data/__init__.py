"""The text of the tasks: file formats, what the tasks are, the official files and their statistics, and the hub."""
