"""
Answering: from a question to an answer one can check, or to an honest silence.

asking -> evidence -> writing (extracting, models) -> verifying -> deciding; `service.Answering` runs them.
Only the values are exported here: who stores or shows answers need not load what writes them.
"""

from candor.answering.values import Answer, Citation, Decision, Question, Turn

__all__ = ["Answer", "Citation", "Decision", "Question", "Turn"]
