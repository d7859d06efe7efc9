"""
WHMCS dumps: what `mysqldump` and its kind write becomes tickets and documents, however large it is.

`scan` reads the dump once from front to back and lays the wanted rows into work files, parted by ticket; it
may stop anywhere and go on in another process. `tickets` joins one part in memory. Nothing is executed, and
columns and tables that hold secrets are never taken from the text.
"""

from candor.whmcs.dumps.joining import tickets
from candor.whmcs.dumps.knowledge import documents
from candor.whmcs.dumps.report import Report, report
from candor.whmcs.dumps.scanning import scan
from candor.whmcs.dumps.values import Dump, Options, Problem, Scan, Spill, Tally

__all__ = [
    "Dump",
    "Options",
    "Problem",
    "Report",
    "Scan",
    "Spill",
    "Tally",
    "documents",
    "report",
    "scan",
    "tickets",
]
