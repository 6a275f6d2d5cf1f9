//! From a tree to values: a deserializer that says where the value stands that it cannot use.
//!
//! Nothing (`key:`, `~`) leaves the default, as Go's reader does: for a structure it is one without keys.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::finding::{Finding, Place};
use super::tree::{Entry, Node, Value, truth};

/// Reads a value; `path` is where the tree stands in the file, for the message.
pub(super) fn decode<'n, T: Deserialize<'n>>(node: &'n Node, path: &str) -> Result<T, Finding> {
    T::deserialize(Decoder(node)).map_err(|fault| {
        let mut keys: Vec<&str> = fault.path.iter().rev().map(String::as_str).collect();
        if !path.is_empty() {
            keys.insert(0, path);
        }
        let place = fault.place.unwrap_or_else(|| node.place.clone());
        Finding::error(place, &keys.join("."), fault.message)
    })
}

/// Why a value cannot be used.
#[derive(Debug)]
pub(super) struct Fault {
    place: Option<Place>,
    /// Innermost key first.
    path: Vec<String>,
    message: String,
}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { place: None, path: Vec::new(), message: message.to_string() }
    }

    // The value itself may be a secret.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("the value must be {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::custom(format_args!("the value must be {expected}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let field = super::finding::shown(field);
        let known = expected.join("`, `");
        match sealift_diagnostic::closest(&field, expected.iter().copied()) {
            Some(closest) => {
                Self::custom(format_args!("there is no key `{field}`; did you mean `{closest}`?"))
            }
            None => Self::custom(format_args!("there is no key `{field}`; there are `{known}`")),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let known = expected.join("`, `");
        let variant = super::finding::shown(variant);
        Self::custom(format_args!("`{variant}` is none of `{known}`"))
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Fault {
    fn at(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    fn under(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }
}

#[derive(Clone, Copy)]
struct Decoder<'n>(&'n Node);

impl<'n> Decoder<'n> {
    fn plain(self) -> Option<&'n str> {
        match &self.0.value {
            Value::Text { text, is_plain: true } => Some(text),
            _ => None,
        }
    }

    fn integer<T: TryFrom<i128>>(self) -> Result<T, Fault> {
        let integer = self.plain().and_then(integer);
        let integer = integer.and_then(|integer| T::try_from(integer).ok());
        integer.ok_or_else(|| {
            Fault::custom("the value must be a whole number that fits").at(&self.0.place)
        })
    }
}

// As YAML 1.1 writes whole numbers.
fn integer(text: &str) -> Option<i128> {
    if text.len() > 40 {
        return None;
    }
    let digits = text.replace('_', "");
    match digits.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.integer()?)
        }
    )*};
}

impl<'n> Deserializer<'n> for Decoder<'n> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match &self.0.value {
            Value::Nothing => visitor.visit_unit(),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(entries) => visitor.visit_map(Entries { rest: entries.iter(), node: None }),
            Value::Text { text, is_plain: false } => visitor.visit_borrowed_str(text),
            Value::Text { text, is_plain: true } => match (truth(text), integer(text)) {
                (Some(truth), _) => visitor.visit_bool(truth),
                (None, Some(integer)) => match i64::try_from(integer) {
                    Ok(integer) => visitor.visit_i64(integer),
                    Err(_) => visitor.visit_borrowed_str(text),
                },
                (None, None) => visitor.visit_borrowed_str(text),
            },
        };
        value.map_err(|fault: Fault| fault.at(&self.0.place))
    }

    fn deserialize_bool<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0.truth() {
            Some(truth) => visitor.visit_bool(truth),
            None => Err(Fault::custom("the value must be `true` or `false`").at(&self.0.place)),
        }
    }

    integers! {
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32
        deserialize_i64 visit_i64 deserialize_i128 visit_i128
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32
        deserialize_u64 visit_u64 deserialize_u128 visit_u128
    }

    fn deserialize_f32<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        let number = self.plain().and_then(|text| text.parse::<f64>().ok());
        let number = number.filter(|number| number.is_finite());
        let fault = || Fault::custom("the value must be a number").at(&self.0.place);
        visitor.visit_f64(number.ok_or_else(fault)?)
    }

    // `0.1` and `yes` are texts where one is wanted.
    fn deserialize_str<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match &self.0.value {
            Value::Text { text, .. } => visitor.visit_borrowed_str(text),
            Value::Nothing => visitor.visit_borrowed_str(""),
            _ => Err(Fault::custom("the value must be a text")),
        };
        value.map_err(|fault: Fault| fault.at(&self.0.place))
    }

    fn deserialize_string<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        let items: &[Node] = match &self.0.value {
            Value::List(items) => items,
            Value::Nothing => &[],
            _ => return Err(Fault::custom("the value must be a list").at(&self.0.place)),
        };
        visitor.visit_seq(Items(items.iter())).map_err(|fault: Fault| fault.at(&self.0.place))
    }

    fn deserialize_tuple<V: Visitor<'n>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries: &[Entry] = match &self.0.value {
            Value::Map(entries) => entries,
            Value::Nothing => &[],
            _ => return Err(Fault::custom("the value must be a mapping").at(&self.0.place)),
        };
        let entries = Entries { rest: entries.iter(), node: None };
        visitor.visit_map(entries).map_err(|fault: Fault| fault.at(&self.0.place))
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    // `name`, or `name: {…}` for a variant that holds something.
    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let variant = match &self.0.value {
            Value::Text { text, .. } => Variant { name: text, content: None },
            Value::Map(entries) if entries.len() == 1 => {
                Variant { name: &entries[0].key, content: Some(&entries[0].node) }
            }
            _ => {
                let reason = "the value must be a name, or a mapping of one key";
                return Err(Fault::custom(reason).at(&self.0.place));
            }
        };
        visitor.visit_enum(variant).map_err(|fault: Fault| fault.at(&self.0.place))
    }

    fn deserialize_ignored_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

struct Items<'n>(std::slice::Iter<'n, Node>);

impl<'n> SeqAccess<'n> for Items<'n> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'n>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.0.next() else { return Ok(None) };
        seed.deserialize(Decoder(node)).map(Some).map_err(|fault| fault.at(&node.place))
    }
}

struct Entries<'n> {
    rest: std::slice::Iter<'n, Entry>,
    node: Option<&'n Entry>,
}

impl<'n> MapAccess<'n> for Entries<'n> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'n>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.rest.next() else { return Ok(None) };
        self.node = Some(entry);
        let key: StrDeserializer<'_, Fault> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|fault| fault.at(&entry.place))
    }

    fn next_value_seed<T: DeserializeSeed<'n>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let entry = self.node.take().ok_or_else(|| Fault::custom("a value without a key"))?;
        let value = seed.deserialize(Decoder(&entry.node));
        value.map_err(|fault| fault.at(&entry.node.place).under(&entry.key))
    }
}

struct Variant<'n> {
    name: &'n str,
    content: Option<&'n Node>,
}

impl<'n> EnumAccess<'n> for Variant<'n> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'n>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name: StrDeserializer<'_, Fault> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'n> VariantAccess<'n> for Variant<'n> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.content {
            Some(node) if !node.is_nothing() => {
                Err(Fault::custom("the name stands alone").at(&node.place))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'n>>(self, seed: T) -> Result<T::Value, Fault> {
        let node = self.content.ok_or_else(|| Fault::custom("the name needs a value"))?;
        seed.deserialize(Decoder(node))
    }

    fn tuple_variant<V: Visitor<'n>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        let node = self.content.ok_or_else(|| Fault::custom("the name needs a value"))?;
        Decoder(node).deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'n>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let node = self.content.ok_or_else(|| Fault::custom("the name needs a value"))?;
        Decoder(node).deserialize_map(visitor)
    }
}
