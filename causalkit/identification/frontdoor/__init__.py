"""Front doors: effects through mediators that hidden causes do not reach."""
