"""Tables as text: HTML, OTSL, Markdown, LaTeX, and where they stand in a completion."""
