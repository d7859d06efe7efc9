"""
Answering: from a question to an answer one can check, or to an honest silence.

asking -> evidence -> writing (extracting, models) -> verifying -> deciding. `Answering.answer` runs them.
"""

from candor.answering.service import Answering, Shortcuts
from candor.answering.values import Answer, Citation, Decision, Question, Turn

__all__ = ["Answer", "Answering", "Citation", "Decision", "Question", "Shortcuts", "Turn"]
