"""Linear mechanisms, noise that is not Gaussian: the LiNGAM family.

In a linear model with Gaussian noise, both directions fit alike. With any other noise only the true
direction leaves residuals that are independent of the cause, so the whole causal order can be read
off, coefficients included. Where the noise may be Gaussian after all, a warning says so.

=====================================  =======================================================
what do I have?                        what do I take?
=====================================  =======================================================
no hidden common causes                `lingam.py`: `DirectLiNGAM`, or `ICALiNGAM`
hidden common causes                   `latent_lingam.py`: `ParceLiNGAM` leaves them open
the question how large effects are     `lingam_effects.py`: totals, all at once
the question how sure they are         `lingam_bootstrap.py`: `bootstrap_effects`
=====================================  =======================================================
"""
