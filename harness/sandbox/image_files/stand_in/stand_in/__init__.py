"""A small server that stands in for an application; `__main__.py` beside this folder is the program."""
