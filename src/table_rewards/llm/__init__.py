"""OpenAI-compatible chat endpoints: a pool with health, retries, limits and a cache. See docs/llm.md."""

from table_rewards.llm.endpoints import Endpoints
from table_rewards.llm.pool import ChatPool, get_pool, process_usage
from table_rewards.llm.settings import PoolSettings
from table_rewards.llm.types import ChatReply, ChatRequest, LLMUnavailable, Sampling

__all__ = [
    "ChatPool",
    "ChatReply",
    "ChatRequest",
    "Endpoints",
    "LLMUnavailable",
    "PoolSettings",
    "Sampling",
    "get_pool",
    "process_usage",
]
