"""The product, broken on purpose: kills, damage, full disks, second processes, links, escapes.

Each module has one way to break it, and gives its cases by ``cases``. ``make break`` does all of
them and prints a table; the tests beside them do a few. A case is harmless to the machine: all it
writes lies in a temporary folder.
"""
