//! JSON that means one thing only: no key twice, nothing after the value, valid UTF-8, bounded depth.
//!
//! Two readers of a signed document must not see different values (RFC 8259 §4 leaves duplicate keys open).

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::Error;

/// Reads a document after [`check`]; `what` names it in errors.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, Error> {
    check(bytes, what)?;
    serde_json::from_slice(bytes).map_err(|source| Error::Json { what, source })
}

/// Checks that bytes are one JSON value without duplicate keys at any depth.
pub fn check(bytes: &[u8], what: &'static str) -> Result<(), Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    // `serde_json` itself stops at a depth of 128.
    NoDuplicates
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|source| Error::Json { what, source })
}

#[derive(Clone, Copy)]
struct NoDuplicates;

impl<'de> DeserializeSeed<'de> for NoDuplicates {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NoDuplicates {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if keys.contains(&key) {
                let key: String = key.chars().take(60).collect();
                return Err(serde::de::Error::custom(format_args!("the key `{key}` stands twice")));
            }
            keys.insert(key);
            entries.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_json() {
        for text in ["null", "[]", r#"{"a":{"a":1},"b":[{"a":1.5},{"a":-2}]}"#, " \"x\\u0041\" "] {
            check(text.as_bytes(), "test").unwrap();
        }
    }

    #[test]
    fn refuses_ambiguous_json() {
        for bytes in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"a":1,"\u0061":2}"#,
            br#"[{"b":{"x":[],"x":[]}}]"#,
            b"{} {}",
            b"{}x",
            b"{},",
            b"",
            b"{'a':1}",
            b"\"\xFF\"",
            b"\"\\ud800\"",
            b"{\"\xFF\":1}",
            b"[1,]",
            b"01",
            b"NaN",
            b"\xEF\xBB\xBF{}",
        ] {
            assert!(check(bytes, "test").is_err(), "{:?}", String::from_utf8_lossy(bytes));
        }
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert!(check(&deep, "test").is_err());
    }

    #[test]
    fn a_key_in_an_error_is_fit_for_a_terminal() {
        let error = check(br#"{"\u001b[2J":1,"\u001b[2J":1}"#, "test").unwrap_err().to_string();
        assert!(error.contains("[2J") && !error.contains(char::is_control), "{error:?}");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
            let _ = check(&bytes, "test");
        }
    }
}
