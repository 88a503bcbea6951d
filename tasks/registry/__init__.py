"""The registry: versions of a project's student, which is on stage, who put it there, and what was ever held out."""

from tasks.registry.approvals import Approvals
from tasks.registry.records import Approval, Decision, Move, Version
from tasks.registry.registry import Registry

__all__ = ["Approval", "Approvals", "Decision", "Move", "Registry", "Version"]
