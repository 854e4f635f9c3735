"""What a twin is made of: forms of columns, and the graph that data call for."""
