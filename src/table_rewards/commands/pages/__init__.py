"""How results are shown: in a terminal, as HTML, as charts."""
