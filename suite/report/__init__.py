"""The report of a results folder: one offline HTML page, and the same figures as files."""
