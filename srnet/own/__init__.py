"""A user's own model and data, from tables to a model that is sparse and robust.

The text of a task and what a bias says of it (`task`), fine-tuning (`fine_tuning`) and finding a subnetwork
(`finding`), by a recipe where none is given (`rates`), tests (`held_out`), the report (`report`), and subnetworks that
are kept beside their base model (`adapters`).
"""

from srnet.own.adapters import Subnetwork, load_subnetwork
from srnet.own.finding import find_subnetwork
from srnet.own.fine_tuning import FullModel, fine_tune

__all__ = ["FullModel", "Subnetwork", "find_subnetwork", "fine_tune", "load_subnetwork"]
