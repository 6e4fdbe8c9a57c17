"""Where results lie: one folder for each experiment, whole or absent.

The folder and its locks (`store`), the record that says what was done (`records`), which files hold what (`layout`),
folders that are only read (`layers`), and results in compact form (`published`, `publishing`).
"""

from srnet.store.store import BusyError, DamagedError, Store

__all__ = [
    "BusyError",
    "DamagedError",
    "Store",
]
