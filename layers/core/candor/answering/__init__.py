"""
Answering: from a question to an answer one can check, or to an honest silence.

question -> evidence -> writing -> verifying -> deciding, one module each. `Answering.answer` runs them.
"""

from candor.answering.values import Answer, Citation, Decision, Question, Turn

__all__ = ["Answer", "Citation", "Decision", "Question", "Turn"]
