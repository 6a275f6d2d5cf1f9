//! Keys, signatures, DSSE, key files, OpenPGP verification, canonical JSON.
