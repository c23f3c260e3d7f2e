"""OpenAI-compatible chat endpoints: a pool with health, retries, limits and a cache. See docs/llm.md."""

from table_rewards.llm.endpoints import Endpoints
from table_rewards.llm.pool import ChatPool, get_pool, process_usage
from table_rewards.llm.settings import Endpoint, PoolSettings
from table_rewards.llm.types import ChatReply, ChatRequest, LLMUnavailable, Sampling, TokenLogprob

__all__ = [
    "ChatPool",
    "ChatReply",
    "ChatRequest",
    "Endpoint",
    "Endpoints",
    "LLMUnavailable",
    "PoolSettings",
    "Sampling",
    "TokenLogprob",
    "get_pool",
    "process_usage",
]
