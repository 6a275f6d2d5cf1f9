//! Documents that know their own shape: a JSON schema and documentation come from the same words as the types.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

/// What a value looks like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Text,
    Number,
    Truth,
    List(Box<Shape>),
    /// Any names, all with values of one shape.
    Map(Box<Shape>),
    Object(Vec<Field>),
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) shape: Shape,
    /// Whether it may be absent.
    pub(crate) is_optional: bool,
}

/// Something that knows its shape.
pub(crate) trait Described {
    /// Whether a field of this type may be absent.
    const OPTIONAL: bool = false;

    /// Its shape.
    fn shape() -> Shape;

    /// Whether it is absent.
    fn is_absent(&self) -> bool {
        false
    }
}

macro_rules! described {
    ($($type:ty => $shape:expr),* $(,)?) => {
        $(impl Described for $type {
            fn shape() -> Shape {
                $shape
            }
        })*
    };
}

described! {
    String => Shape::Text,
    bool => Shape::Truth,
    i64 => Shape::Number,
    u64 => Shape::Number,
    usize => Shape::Number,
    f64 => Shape::Number,
    sealift_oci::Empty => Shape::Object(Vec::new()),
}

impl<T: Described> Described for Option<T> {
    const OPTIONAL: bool = true;

    fn shape() -> Shape {
        T::shape()
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Described> Described for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

impl<T: Described> Described for BTreeMap<String, T> {
    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }
}

/// Structs whose fields have their name in JSON and their documentation in one place.
macro_rules! documents {
    ($(
        #[doc = $about:literal]
        struct $name:ident {
            $(#[doc = $text:literal] $field:ident as $key:literal: $type:ty,)*
        }
    )*) => {
        $(
            #[doc = $about]
            #[derive(Clone, Debug, Default, serde::Serialize)]
            pub(crate) struct $name {
                $(
                    #[doc = $text]
                    #[serde(rename = $key, skip_serializing_if = "crate::shape::Described::is_absent")]
                    pub(crate) $field: $type,
                )*
            }

            impl crate::shape::Described for $name {
                fn shape() -> crate::shape::Shape {
                    crate::shape::Shape::Object(vec![
                        $(crate::shape::Field {
                            name: $key,
                            text: $text.trim_ascii(),
                            shape: <$type as crate::shape::Described>::shape(),
                            is_optional: <$type as crate::shape::Described>::OPTIONAL,
                        },)*
                    ])
                }
            }
        )*
    };
}
pub(crate) use documents;

impl Shape {
    /// The field of an object, or what a map has under every name.
    pub(crate) fn field(&self, name: &str) -> Option<&Shape> {
        match self {
            Self::Object(fields) => {
                fields.iter().find(|field| field.name == name).map(|field| &field.shape)
            }
            Self::Map(inner) => Some(inner),
            _ => None,
        }
    }

    /// The item of a list, or the value of a map.
    pub(crate) fn item(&self) -> Option<&Shape> {
        match self {
            Self::List(inner) | Self::Map(inner) => Some(inner),
            _ => None,
        }
    }

    /// As a JSON schema.
    pub(crate) fn schema(&self) -> Json {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Number => json!({"type": "number"}),
            Self::Truth => json!({"type": "boolean"}),
            Self::List(inner) => json!({"type": "array", "items": inner.schema()}),
            Self::Map(inner) => json!({"type": "object", "additionalProperties": inner.schema()}),
            Self::Object(fields) => {
                let mut properties = Map::new();
                for field in fields {
                    let mut schema = field.shape.schema();
                    if let Some(object) = schema.as_object_mut() {
                        object.insert("description".to_owned(), json!(field.text));
                    }
                    properties.insert(field.name.to_owned(), schema);
                }
                let required: Vec<&str> =
                    fields.iter().filter(|field| !field.is_optional).map(|it| it.name).collect();
                json!({"type": "object", "properties": properties, "required": required})
            }
        }
    }

    /// The rows of a table: path, what it is, whether it may be absent, documentation.
    pub(crate) fn table(&self, path: &str, out: &mut String) {
        let Self::Object(fields) = self else { return };
        for field in fields {
            let mut path = format!("{path}.{}", field.name);
            let mut shape = &field.shape;
            let absent = if field.is_optional { ", may be absent" } else { "" };
            writeln!(out, "| `{path}` | {}{absent} | {} |", shape.words(), field.text)
                .expect("a string takes everything");
            while let Some(inner) = shape.item() {
                path.push_str("[_]");
                shape = inner;
            }
            shape.table(&path, out);
        }
    }

    /// What it is, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Truth => "boolean".to_owned(),
            Self::List(inner) => format!("list of {}", inner.words()),
            Self::Map(inner) => format!("object, {} by name", inner.words()),
            Self::Object(_) => "object".to_owned(),
        }
    }
}
