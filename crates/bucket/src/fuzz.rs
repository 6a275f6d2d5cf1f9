//! Readers of what a store answers, for the fuzz targets.

/// Reads bytes as each answer there is.
pub fn read_answer(bytes: &[u8]) {
    // Whether they are one is not the question.
    let _ = crate::answer::listed(bytes);
    let _ = crate::answer::failure(bytes);
    let _ = crate::answer::value(bytes, "UploadId");
    let _ = crate::credentials::temporary_json(bytes);
    let _ = crate::credentials::temporary_xml(bytes);
}
