"""The text of the tasks: what the tasks are, the files they are read from, and the tables that both become.

`tasks` names every data set with its file, `formats` reads and writes a file, `official` a whole task; `statistics`
counts (Tables 1 and 2), and `hub` fetches. `tables` reads the text of a user's own task, out of the
`columns` of a data set, a frame or a file.
"""

from srnet.data.official import MissingDataWarning, load_task, source_files, write_task
from srnet.data.pairs import TaskData, pair_dataset
from srnet.data.tables import read_examples
from srnet.data.tasks import TASKS, Task, find_task

__all__ = [
    "TASKS",
    "MissingDataWarning",
    "Task",
    "TaskData",
    "find_task",
    "load_task",
    "pair_dataset",
    "read_examples",
    "source_files",
    "write_task",
]
