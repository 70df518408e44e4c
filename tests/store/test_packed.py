"""Long texts kept once, and nothing taken that was changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsdk.errors import StoreDamaged
from agentsdk.store.canonical import canonical, digest
from agentsdk.store.packed import LONG, WHOLE, pack, unpack

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(exclude_categories=())) |
    st.integers(0, 3).map(lambda n: "長" * (LONG + n)),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["$text", "$plain", "$", "a", "b"]), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    data, blobs = pack(value)
    assert unpack(data, blobs) == value
    assert all(hashlib.sha256(b).hexdigest() == name for name, b in blobs.items())
    assert len(data) < WHOLE


def test_a_long_list_of_short_things_is_kept_by_itself() -> None:
    data, blobs = pack(list(range(WHOLE)))
    assert data[:1] == b"@"
    assert unpack(data, blobs) == list(range(WHOLE))


def test_of_600_changed_blobs_none_is_taken() -> None:
    chance = random.Random(7)
    value = {"text": "a" * 3000, "more": ["b" * 2000, list(range(4000))]}
    data, blobs = pack(value)
    names = sorted(blobs)
    for _time in range(600):
        name = chance.choice(names)
        forged = bytearray(blobs[name])
        match chance.randrange(4):
            case 0:
                forged[chance.randrange(len(forged))] ^= 1 << chance.randrange(8)
            case 1:
                del forged[chance.randrange(len(forged)) :]
            case 2:
                forged[chance.randrange(len(forged)) :] = b"cos\nsystem\n(S'true'\ntR."
            case 3:
                forged += chance.randbytes(chance.randrange(1, 30))
        with pytest.raises(StoreDamaged):
            unpack(data, {**blobs, name: bytes(forged)})
    with pytest.raises(StoreDamaged, match="missing"):
        unpack(data, {})


@given(st.binary(max_size=200) | st.text("[]{}\"':,$@1ea", max_size=200).map(str.encode))
def test_whatever_stands_in_a_row_is_read_or_refused_in_words(data: bytes) -> None:
    with contextlib.suppress(StoreDamaged):
        json.dumps(unpack(data, {}))


def test_a_row_nested_without_end_is_refused_in_words() -> None:
    with pytest.raises(StoreDamaged):
        unpack(b"[" * 200_000, {})


@given(JSON)
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(value: Any) -> None:
    again = json.loads(json.dumps(value, sort_keys=True))
    assert canonical(backwards(value)) == canonical(again)


def backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: backwards(v) for k, v in reversed(value.items())}
    return [backwards(v) for v in value] if isinstance(value, list) else value


def test_numbers_and_letters_have_one_canonical_form() -> None:
    assert canonical({"ü": [float("nan"), 1, 1.0, "好"]}) == '{"ü":[NaN,1,1.0,"好"]}'.encode()
    assert digest({"a": 1}) != digest({"a": 1.0}) != digest({"a": "1"})
    assert digest({"a": b"1"}) != digest({"a": b"2"})
    assert canonical("\ud800") == b'"\xed\xa0\x80"'
