"""A small server on loopback that speaks OpenAI's and Anthropic's chat APIs: no money, every fault."""

from tests.provider.asked import Asked, read_asked
from tests.provider.behaviour import Behaviour
from tests.provider.server import Provider
from tests.provider.starting import provider_process, provider_thread

__all__ = ["Asked", "Behaviour", "Provider", "provider_process", "provider_thread", "read_asked"]
