//! OLPC's canonical JSON, the form that TUF and in-toto's older formats sign.
//!
//! <http://wiki.laptop.org/go/Canonical_JSON>: keys sorted, no whitespace, whole numbers only, and in strings only
//! `"` and `\` escaped. No Unicode normalisation, as in securesystemslib and Notary.

use serde_json::Value;

use crate::Error;

const NUMBER_MAX: u64 = 1 << 53;

/// Writes a value in canonical form.
pub fn olpc(value: &Value) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    write_value(value, &mut bytes)?;
    Ok(bytes)
}

// Recursion is bounded: values come from `serde_json`, which stops at a depth of 128.
fn write_value(value: &Value, out: &mut Vec<u8>) -> Result<(), Error> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            if size.is_none_or(|size| size > NUMBER_MAX) {
                return Err(Error::CanonicalNumber(number.to_string()));
            }
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            write_joined(b'[', items.iter(), b']', out, write_value)?;
        }
        Value::Object(entries) => {
            // Byte order of UTF-8 is the order of code points.
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_bytes());
            write_joined(b'{', entries.into_iter(), b'}', out, |(key, value), out| {
                write_string(key, out);
                out.push(b':');
                write_value(value, out)
            })?;
        }
    }
    Ok(())
}

fn write_joined<T>(
    open: u8,
    items: impl Iterator<Item = T>,
    close: u8,
    out: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out)?;
    }
    out.push(close);
    Ok(())
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(String::from_utf8(olpc(&value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn canonical_form() {
        check(r#" { "b" : [ 1 , -2 , null ] , "a" : { } } "#, r#"{"a":{},"b":[1,-2,null]}"#);
        check(r#"{"é":true,"z":false,"Z":0}"#, r#"{"Z":0,"z":false,"é":true}"#);
        check(r#""\u00e9\n\t\"\\\/""#, "\"é\n\t\\\"\\\\/\"");
        check("9007199254740992", "9007199254740992");
    }

    #[test]
    fn refuses_numbers_that_readers_round() {
        for json in ["1.0", "1e3", "9007199254740993", "-9007199254740993", "18446744073709551615"]
        {
            let value: Value = serde_json::from_str(json).unwrap();
            assert!(olpc(&value).is_err(), "{json}");
        }
    }
}
