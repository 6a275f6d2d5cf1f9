//! For the fuzz target only.

use crate::{Review, images};

/// Reads a review and finds its images; returns how many there are.
pub fn review(bytes: &[u8]) -> usize {
    let Ok(review) = Review::read(bytes) else { return 0 };
    let Ok(pod) = images::pod(&review, 1000) else { return 0 };
    // Each place leads back to the image that was found there.
    for place in &pod.images {
        let there = review.object.pointer(&place.pointer).and_then(|value| value.as_str());
        assert_eq!(there, Some(place.image.as_str()), "{}", place.pointer);
    }
    // A fault of the former object is an answer too.
    let _ = images::images_before(&review, 1000);
    pod.images.len()
}
