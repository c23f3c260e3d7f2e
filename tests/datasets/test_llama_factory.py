"""One writer of dataset_info.json: other entries stay, and a file that cannot be read is never overwritten."""

from __future__ import annotations

import json

import pytest

from table_rewards.core.errors import ConfigurationError
from table_rewards.datasets.llama_factory import FILE_NAME, chat, prompt_response, register, sharegpt


def test_entries_of_other_data_sets_stay(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"mine": {"file_name": "mine.json"}}')
    register(tmp_path, {"new": sharegpt("sft.json")})
    register(tmp_path, {"new": chat("sft.json"), "other": prompt_response("x.json")})
    entries = json.loads((tmp_path / FILE_NAME).read_text())
    assert list(entries) == ["mine", "new", "other"]
    assert entries["new"]["tags"]["role_tag"] == "role"
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", ["{ half", "[1]", '"x"', "\xff"])
def test_a_file_that_cannot_be_read_is_refused_and_kept(tmp_path, content):
    path = tmp_path / FILE_NAME
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="holds no JSON object"):
        register(tmp_path, {"new": sharegpt("sft.json")})
    assert path.read_bytes() == content.encode("latin-1")
