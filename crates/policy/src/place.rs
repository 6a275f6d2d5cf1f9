//! Where in a policy the interpreter says an error is.
//!
//! regorus puts the place into the text of its errors: `--> file:line:column`, an excerpt, `error: message`.

/// An error of the interpreter, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: Option<String>,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
}

const MESSAGE_CHARS_MAX: usize = 2000;

impl Place {
    /// Takes an error's text apart. A text of another form is the message as it is.
    pub(crate) fn parse(text: &str) -> Self {
        let located =
            text.lines().find_map(|line| line.trim().strip_prefix("--> ")).and_then(split);
        let message = match text.rfind("error: ") {
            Some(start) => &text[start + "error: ".len()..],
            None => text,
        };
        let message = shorten(message.trim(), MESSAGE_CHARS_MAX);
        match located {
            Some((file, line, column)) => {
                Self { file: Some(file.to_owned()), line, column, message }
            }
            None => Self { message, ..Self::default() },
        }
    }
}

fn split(place: &str) -> Option<(&str, usize, usize)> {
    let (rest, column) = place.trim().rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some((file, line.parse().ok()?, column.parse().ok()?))
}

/// Cuts a text to a number of characters and says so by an ellipsis.
pub(crate) fn shorten(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_apart() {
        let text =
            "\n--> dir/a:b.rego:4:22\n  |\n4 | deny { not x in y }\n  |   ^\nerror: expecting `}`";
        assert_eq!(
            Place::parse(text),
            Place {
                file: Some("dir/a:b.rego".to_owned()),
                line: 4,
                column: 22,
                message: "expecting `}`".to_owned()
            }
        );
        assert_eq!(Place::parse("no place").message, "no place");
        assert_eq!(shorten("äöü", 2), "äö…");
    }
}
