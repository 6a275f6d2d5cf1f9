//! cosign signatures and in-toto attestations: made and verified.
