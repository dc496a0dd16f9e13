"""How models come here and what is put to them on the way."""
