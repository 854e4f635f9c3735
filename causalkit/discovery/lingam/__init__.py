"""Linear mechanisms, noise that is not Gaussian: the LiNGAM family."""
