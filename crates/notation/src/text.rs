//! Text from outside, fit for a message.

const CHARACTERS_MAX: usize = 200;

/// Without control characters and not endless.
pub(crate) fn clean(text: &str) -> String {
    let visible = |character: char| if character.is_control() { '\u{FFFD}' } else { character };
    let mut cleaned: String = text.chars().take(CHARACTERS_MAX).map(visible).collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        cleaned.push('…');
    }
    cleaned
}

/// What the JSON reader says, without what the caller says himself.
pub(crate) fn json_reason(error: &sealift_crypto::Error) -> String {
    match error {
        sealift_crypto::Error::Json { source, .. } => clean(&source.to_string()),
        other => clean(&other.to_string()),
    }
}
