"""The commands: one module for each kind, with an ``add`` that registers them on the parser.

What a command needs beyond its flags is imported when it runs, so that help is quick.
"""
