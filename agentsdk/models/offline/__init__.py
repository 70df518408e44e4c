"""The embedded model."""

from agentsdk.models.offline.model import OfflineModel

__all__ = ["OfflineModel"]
