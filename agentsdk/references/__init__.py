"""Reference texts: loaded, split, ranked and cited."""

from agentsdk.references.references import References

__all__ = ["References"]
