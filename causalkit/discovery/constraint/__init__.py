"""By tests: PC, FCI and RFCI, and GFCI, which lets a search by score go before."""
