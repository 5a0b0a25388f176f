"""FineGates: learn which rows and columns of a transformer a task needs, and remove the rest.

Importing this package loads no torch, so that the dashboard and the command line stay quick. Import
the module that you need, for example ``from finegates.nn.attach import attach_gates``.
"""

__version__ = "0.1.0"
