//! Models of machine learning.

use expect_test::expect;

use crate::{File, inventory, show};

enum Value {
    Text(&'static str),
    Number(u32),
    Texts(usize),
    Wide,
}

fn gguf(values: &[(&str, Value)]) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend((values.len() as u64).to_le_bytes());
    for (key, value) in values {
        bytes.extend(text(key));
        match value {
            Value::Text(value) => {
                bytes.extend(8_u32.to_le_bytes());
                bytes.extend(text(value));
            }
            Value::Number(value) => {
                bytes.extend(4_u32.to_le_bytes());
                bytes.extend(value.to_le_bytes());
            }
            Value::Texts(count) => {
                bytes.extend([9_u32.to_le_bytes(), 8_u32.to_le_bytes()].concat());
                bytes.extend((*count as u64).to_le_bytes());
                (0..*count).for_each(|_| bytes.extend(text("token")));
            }
            Value::Wide => {
                bytes.extend(12_u32.to_le_bytes());
                bytes.extend(1.5_f64.to_le_bytes());
            }
        }
    }
    bytes
}

fn llama() -> Vec<u8> {
    gguf(&[
        ("general.architecture", Value::Text("llama")),
        ("general.name", Value::Text("Tiny Llama")),
        ("general.version", Value::Text("v1.1")),
        ("general.size_label", Value::Text("1.1B")),
        ("general.license", Value::Text("apache-2.0")),
        ("general.organization", Value::Text("TinyLlama")),
        ("llama.rope", Value::Wide),
        ("tokenizer.ggml.tokens", Value::Texts(1000)),
        ("general.file_type", Value::Number(15)),
    ])
}

fn safetensors(json: &str) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &[0; 64]].concat()
}

#[test]
fn metadata() {
    let tensors = r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let plain = safetensors(&format!("{{{tensors}}}"));
    let titled = safetensors(&format!(
        r#"{{"__metadata__":{{"modelspec.title":"SDXL","modelspec.author":"S AI","modelspec.license":"CreativeML","modelspec.architecture":"sdxl"}},{tensors}}}"#
    ));
    let (llama, bare) = (llama(), gguf(&[]));
    let files: &[File<'_>] = &[
        ("models/tiny.gguf", &llama),
        ("models/bare-00001-of-00002.gguf", &bare),
        ("models/bare-00002-of-00002.gguf", &bare),
        ("root/.ollama/models/blobs/sha256-00", &llama),
        (
            "root/.ollama/models/blobs/sha256-01",
            b"{\"not\":\"a model, but sixty-four bytes and more of something else\"}",
        ),
        ("opt/bert/model-00001-of-00002.safetensors", &plain),
        ("opt/bert/model-00002-of-00002.safetensors", &plain),
        ("opt/sdxl.safetensors", &titled),
        ("hub/models--org--name/blobs/aa", &plain),
        ("hub/models--org--name/blobs/bb", &plain),
        (
            "hub/models--org--name/blobs/cc",
            b"{\"config\": \"of the model, which is longer than the least\"}      ",
        ),
        ("hub/models--org--name/snapshots/rev/a.safetensors", b"-> ../../blobs/aa"),
    ];
    let found = inventory(&[files]);
    expect![[r#"
        pkg:mlmodel/SDXL
          organization S AI; licences ["?CreativeML"]; layer Some(0); Installed
          Manifest /opt/sdxl.safetensors Some(0)
        pkg:mlmodel/Tiny%20Llama@v1.1
          organization TinyLlama; licences ["Apache-2.0"]; layer Some(0); Installed
          Manifest /models/tiny.gguf Some(0)
        pkg:mlmodel/Tiny%20Llama@v1.1
          organization TinyLlama; licences ["Apache-2.0"]; layer Some(0); Installed
          Manifest /root/.ollama/models/blobs/sha256-00 Some(0)
        pkg:mlmodel/bare
          nobody; licences []; layer Some(0); Installed
          Manifest /models/bare-00001-of-00002.gguf Some(0)
        pkg:mlmodel/bert
          nobody; licences []; layer Some(0); Installed
          Manifest /opt/bert/model-00001-of-00002.safetensors Some(0)
        pkg:huggingface/org/name
          nobody; licences []; layer Some(0); Installed
          Manifest /hub/models--org--name/blobs/aa Some(0)
          Manifest /hub/models--org--name/blobs/bb Some(0)
    "#]]
    .assert_eq(&show(&found));
    let tiny = found.packages.iter().find(|package| package.name == "Tiny Llama").unwrap();
    assert_eq!(tiny.summary.as_deref(), Some("llama, 1.1B, Q4_K_M"));
}

#[test]
fn cut_off_anywhere() {
    let whole = gguf(&[
        ("general.name", Value::Text("x")),
        ("t", Value::Texts(3)),
        ("general.file_type", Value::Number(1)),
    ]);
    for end in 24..whole.len() {
        let found = inventory(&[&[("a.gguf", &whole[..end])]]);
        assert!(!found.notes.is_empty(), "cut off at {end}");
    }
    assert!(inventory(&[&[("a.gguf", &whole)]]).notes.is_empty());
    let whole = safetensors(r#"{"__metadata__":{"name":"x"},"a":{"dtype":"F32"}}"#);
    for end in 10..whole.len() - 64 {
        let found = inventory(&[&[("a.safetensors", &whole[..end])]]);
        assert!(!found.notes.is_empty(), "cut off at {end}");
    }
}

#[test]
fn heads_that_lie() {
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    let typed = safetensors(r#"{"__metadata__":{"name":1},"a":[]}"#);
    let mut large = safetensors("{\"a\":1}");
    large[..8].copy_from_slice(&90_000_000_u64.to_le_bytes());
    let mut larger = large.clone();
    larger[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let found = inventory(&[&[
        ("deep.safetensors", &safetensors(&deep)),
        ("typed.safetensors", &typed),
        ("large.safetensors", &large),
        ("larger.safetensors", &larger),
    ]]);
    expect![[r#"
        pkg:mlmodel/deep
          nobody; licences []; layer Some(0); Installed
          Manifest /deep.safetensors Some(0)
        pkg:mlmodel/large
          nobody; licences []; layer Some(0); Installed
          Manifest /large.safetensors Some(0)
        pkg:mlmodel/typed
          nobody; licences []; layer Some(0); Installed
          Manifest /typed.safetensors Some(0)
        note /deep.safetensors: its head cannot be read: EOF while parsing a list at line 1 column 100005
        note /large.safetensors: its head is larger than the limit, and was not read
        note /typed.safetensors: its head cannot be read: invalid type: integer `1`, expected a string at line 1 column 25
    "#]].assert_eq(&show(&found));
}
