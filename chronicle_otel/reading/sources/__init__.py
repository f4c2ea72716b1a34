"""Where span records come from: one module per kind of store."""
