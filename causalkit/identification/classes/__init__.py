"""Classes of graphs (CPDAG, PAG): what holds in all members, and what each answer would be."""
