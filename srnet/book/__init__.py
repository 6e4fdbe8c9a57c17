"""The book: what its chapters share (`chapter`), the index of results (`index`), and the building of it (`build`).

Chapters are notebooks that any Python with the study's packages can execute; only `build` needs those of the book.
"""

from srnet.book.chapter import Chapter, open_chapter

__all__ = [
    "Chapter",
    "open_chapter",
]
