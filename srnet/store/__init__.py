"""Where results lie: one folder for each experiment, whole or absent.

The folder and its locks (`store`), the record that says what was done (`records`), and which files hold what
(`layout`).
"""

from srnet.store.store import BusyError, DamagedError, Store

__all__ = [
    "BusyError",
    "DamagedError",
    "Store",
]
