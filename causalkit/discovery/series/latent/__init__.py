"""Series with hidden common causes: LPCMCI and TS-ICD."""
