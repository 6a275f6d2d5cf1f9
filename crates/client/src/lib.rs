//! Registry client: authentication, retries, mounts, referrers.
