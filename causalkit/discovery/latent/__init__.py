"""Hidden variables behind their indicators: ranks, tetrads, FOFC, RLCD, HCA."""
