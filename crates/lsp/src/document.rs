//! A document that is open in the editor.

use std::path::PathBuf;

use sealift_diagnostic::Diagnostic;
use serde_json::Value;

use crate::position::{Encoding, Lines};

/// Longest document.
pub(crate) const BYTES_MAX: usize = 16 << 20;

/// A document that is open in the editor.
#[derive(Debug)]
pub(crate) struct Document {
    /// As the editor calls it.
    pub(crate) uri: String,
    /// Where it lies, or would lie.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) version: Value,
    pub(crate) lines: Lines,
    /// Of this text; `None` if it has changed since.
    pub(crate) diagnostics: Option<Vec<Diagnostic>>,
}

impl Document {
    pub(crate) fn new(uri: &str, text: &str, version: Value) -> Self {
        let path = url::Url::parse(uri)
            .ok()
            .filter(|url| url.scheme() == "file")
            .and_then(|url| url.to_file_path().ok());
        // A text that was never saved has a name of its own.
        let name = || PathBuf::from(uri.rsplit(['/', ':']).next().unwrap_or(uri));
        Self {
            uri: uri.to_owned(),
            path: path.unwrap_or_else(name),
            text: text.to_owned(),
            version,
            lines: Lines::new(text),
            diagnostics: None,
        }
    }

    /// Take over what was typed; words that say why not, and then nothing has changed.
    pub(crate) fn change(&mut self, changes: &[Value], encoding: Encoding) -> Result<(), String> {
        let mut text = self.text.clone();
        for change in changes {
            let new = change["text"].as_str().ok_or("a change has no `text`")?;
            match &change["range"] {
                Value::Null => new.clone_into(&mut text),
                range => {
                    let span = Lines::new(&text)
                        .span(&text, range, encoding)
                        .ok_or("the range of a change has no positions")?;
                    text.replace_range(span.range(), new);
                }
            }
            if text.len() > BYTES_MAX {
                return Err(format!("the document is larger than {BYTES_MAX} bytes"));
            }
        }
        self.lines = Lines::new(&text);
        self.text = text;
        self.diagnostics = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_come_one_after_the_other() {
        let mut document = Document::new("file:///a%20b/Dockerfile", "FROM a\nRUN b\n", json!(1));
        assert_eq!(document.path, PathBuf::from("/a b/Dockerfile"));
        let range = |from: (u64, u64), to: (u64, u64)| {
            json!({
                "start": { "line": from.0, "character": from.1 },
                "end": { "line": to.0, "character": to.1 },
            })
        };
        let changes = [
            json!({ "range": range((0, 5), (0, 6)), "text": "debian\nUSER x" }),
            json!({ "range": range((2, 4), (2, 5)), "text": "" }),
        ];
        document.change(&changes, Encoding::Utf16).unwrap();
        assert_eq!(document.text, "FROM debian\nUSER x\nRUN \n");
        document.change(&[json!({ "text": "new" })], Encoding::Utf16).unwrap();
        assert_eq!(document.text, "new");
        for wrong in [json!({}), json!({ "text": "x", "range": {} }), json!(3)] {
            document.change(&[wrong], Encoding::Utf16).unwrap_err();
            assert_eq!(document.text, "new");
        }
    }

    #[test]
    fn names_of_documents_that_were_never_saved() {
        for (uri, path) in [("untitled:Dockerfile", "Dockerfile"), ("x", "x"), ("git:/a/b", "b")] {
            assert_eq!(Document::new(uri, "", json!(null)).path, PathBuf::from(path));
        }
    }
}
