//! Names, expressions, copyright files and texts of licences.

use sealift_license::{copyright, name, os, read_text};

use crate::text;

/// Any text, taken for each of them.
pub fn license(bytes: &[u8]) {
    let copyright = copyright::read(bytes);
    let by_file = copyright.licenses.into_iter().filter_map(|license| license.spdx);
    by_file.for_each(|expression| check(&expression));
    assert!(copyright.holders.is_none_or(|holders| holders.len() <= 5000), "the holders are long");
    let reading = read_text(bytes);
    assert!(reading.n_unexplained <= reading.n_words, "more is unexplained than there is");
    reading.expressions.iter().for_each(|expression| check(expression));
    let Some(text) = text(bytes) else { return };
    let readers = [name::debian_expression, name::python_expression, os::expression];
    for line in text.lines().take(100) {
        for reader in readers {
            if let Some(expression) = reader(line) {
                check(&expression);
            }
        }
        if let Some(id) = name::classifier_id(line) {
            check(id);
        }
    }
}

// What is said once is an expression, so that it says the same when it is read again.
fn check(expression: &str) {
    let again = name::python_expression(expression);
    assert_eq!(again.as_deref(), Some(expression), "it is no SPDX expression");
}
