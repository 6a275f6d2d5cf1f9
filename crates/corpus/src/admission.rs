//! What a cluster asks of the admission webhook.

/// An AdmissionReview: each image is found where it stands.
pub fn review(bytes: &[u8]) {
    sealift_admission::fuzz::review(bytes);
}
