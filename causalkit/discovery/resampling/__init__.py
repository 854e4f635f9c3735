"""How sure a learnt edge is: Bootstrap, stability selection."""
