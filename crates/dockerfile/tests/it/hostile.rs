//! Any bytes at all: no panic, bounded results, and every node finds its way back to the source.

use proptest::prelude::*;
use sealift_dockerfile::{DecodeError, Limits, decode, parse, stages, variables};

use crate::dump::parsed;

/// The invariants that hold for every text.
fn check(source: &str) {
    let parse = parsed(source);
    let mut last_end = 0;
    for instruction in &parse.file.instructions {
        assert!(
            instruction.span.start >= last_end && instruction.span.end <= source.len(),
            "{source:?}"
        );
        last_end = instruction.span.end;
        for (at, letter) in instruction.line.char_indices() {
            let span = instruction.line.span(at..at + letter.len_utf8());
            assert_eq!(span.text(source).chars().next(), Some(letter), "{source:?}");
        }
        for heredoc in &instruction.heredocs {
            assert_eq!(heredoc.body_span.text(source), heredoc.body, "{source:?}");
            heredoc.content();
        }
    }
    for comment in &parse.file.comments {
        assert!(comment.span.text(source).starts_with('#'), "{source:?}");
    }
    stages(&parse.file);
    sealift_diagnostic::render(&parse.problems, "f", source, true);
    for escape in ['\\', '`'] {
        let _ = variables::expand_words(source, &|name| Some(name.repeat(2)), escape);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_mixture_of_the_language(pieces in proptest::collection::vec(piece(), 0..40)) {
        check(&pieces.concat());
    }

    #[test]
    fn letters_expand_alike_one_by_one_and_together(text in "[a-zé \t\u{3000}/:.\u{a0}]{0,60}") {
        let empty = |_: &str| Some(String::new());
        let parted: String = text.chars().flat_map(|letter| [String::from(letter), "${E}".to_owned()]).collect();
        for text in [&text, &parted] {
            prop_assert_eq!(variables::expand(text, &empty, '\\'), variables::expand(&parted, &empty, '\\'));
            let words = variables::expand_words(text, &empty, '\\');
            prop_assert_eq!(words, variables::expand_words(&parted, &empty, '\\'));
        }
        prop_assert!(variables::references(&text, '\\').is_empty());
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "FROM ",
        "RUN ",
        "COPY ",
        "ADD ",
        "ENV ",
        "LABEL ",
        "ARG ",
        "ONBUILD ",
        "HEALTHCHECK ",
        "SHELL ",
        "CMD ",
        "VOLUME ",
        "EXPOSE ",
        "USER ",
        "AS ",
        "NONE",
        "--from=",
        "--mount=type=cache,target=",
        "--",
        "--interval=",
        "<<EOF",
        "<<-\"E\"",
        "EOF\n",
        "\tE\n",
        "\\\n",
        "`\n",
        "\n",
        "\r\n",
        " ",
        "\t",
        "# ",
        "#escape=`\n",
        "\u{feff}",
        "[\"",
        "\", \"",
        "\"]",
        "[",
        "]",
        "'",
        "\"",
        "=",
        "a",
        "ä",
        "\u{a0}",
        "\u{85}",
        "$A",
        "${A:-",
        "${A//",
        "/",
        "}",
        "\\",
        "\0",
        "\u{2028}",
        "1",
        "s",
    ])
}

#[test]
fn sizes_are_limited() {
    let limits = Limits { file_bytes_max: 10, ..Limits::default() };
    assert_eq!(parse("FROM a\nUSER b\n", &limits).problems.len(), 1);
    assert_eq!(
        decode(b"FROM a\nUSER b\n", &limits),
        Err(DecodeError::TooLong { bytes: 14, bytes_max: 10 })
    );
    let limits =
        Limits { instructions_max: 2, problems_max: 3, line_bytes_max: 20, ..Limits::default() };
    let parse = parse(&format!("FROM a\nRUN {}\nUSER b\nUSER c\n", "x".repeat(50)), &limits);
    assert_eq!((parse.file.instructions.len(), parse.problems.len()), (2, 2));
    let limits = Limits { stages_max: 1, ..limits };
    let parse = sealift_dockerfile::parse("FROM a\nFROM b\nUSER x\n", &limits);
    assert_eq!((parse.file.instructions.len(), parse.problems.len()), (1, 1));
    let long =
        sealift_dockerfile::parse(&format!("FROM a AS {}\n", "!".repeat(5000)), &Limits::default());
    assert!(long.problems[0].message.len() <= 300);
    let parse = sealift_dockerfile::parse("X\nX\nX\nX\nX\n", &limits);
    assert!(parse.problems.len() <= 3);
}

#[test]
fn only_utf8_is_text() {
    let limits = Limits::default();
    assert_eq!(decode(b"\xef\xbb\xbfFROM a", &limits), Ok("\u{feff}FROM a"));
    assert_eq!(decode(b"\xff\xfeF\0", &limits), Err(DecodeError::Utf16));
    assert_eq!(decode(b"FROM \xff", &limits), Err(DecodeError::NotUtf8 { offset: 5 }));
}

#[test]
fn long_inputs_take_linear_time() {
    for unit in ["RUN a\n", "RUN a \\\n", "#\n", "RUN <<A <<B <<C\n", "\\\n", "ENV a=b \\\n"] {
        let source = format!("FROM a\n{}", unit.repeat((1 << 20) / unit.len()));
        assert!(!parsed(&source).file.instructions.is_empty());
    }
    for unit in ["[", "\"", "--a ", "<<A ", "${a:-", "a=b ", "\\"] {
        let source =
            format!("FROM a\nRUN {0}\nENV {0}\nCOPY {0}\n", unit.repeat((1 << 19) / unit.len()));
        parsed(&source);
    }
}
