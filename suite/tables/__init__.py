"""Tables: the evidence of a run for the terminal, CSV, Markdown, LaTeX and parquet."""
