"""The trading agent, its paper broker and a scripted model provider: the whole story, offline."""
