from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_toolbox.packs.memory.pieces import OVERLAP_CHARS, PIECE_CHARS, cut


def test_a_short_text_is_one_piece():
    assert cut("  Hola.\n  ¿Qué tal?  ") == ["Hola. ¿Qué tal?"]


def test_pieces_end_with_sentences_and_repeat_the_last_ones():
    sentences = [f"Esta es la frase número {index} de un texto largo." for index in range(40)]
    pieces = cut(" ".join(sentences))
    assert len(pieces) > 2
    for before, after in pairwise(pieces):
        assert before.endswith(".")
        overlap = next(n for n in range(len(before), 0, -1) if after.startswith(before[-n:]))
        assert 0 < overlap <= OVERLAP_CHARS
    assert all(any(sentence in piece for piece in pieces) for sentence in sentences)


def test_a_paragraph_begins_a_piece():
    one, two = "Uno dos tres. " * 20, "Cuatro cinco seis. " * 20
    assert [piece[:4] for piece in cut(f"{one}\n\n{two}")] == ["Uno ", "Cuat"]


def test_a_heading_goes_with_what_follows():
    assert cut("Horario\n\nAbrimos a las nueve.") == ["Horario Abrimos a las nueve."]


@pytest.mark.parametrize("text", ["a" * 5000, "palabra " * 900, "漢字。" * 1000, "\n".join(["x"] * 3000), ". " * 2000])
def test_what_has_no_sentences_is_cut_all_the_same(text: str):
    pieces = cut(text)
    assert pieces
    assert all(0 < len(piece) <= PIECE_CHARS for piece in pieces)


@given(st.text(max_size=3000))
def test_no_piece_is_too_long_and_no_word_is_lost(text: str):
    pieces = cut(text)
    assert all(piece and len(piece) <= PIECE_CHARS for piece in pieces)
    assert set("".join(text.split())) == set("".join("".join(pieces).split()))
