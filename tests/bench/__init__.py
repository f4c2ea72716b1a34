"""What recording and replaying cost. `python -m tests.bench` prints a Markdown table; nothing here asserts a time."""
