//! Odd and huge files: no panic, no hang.

use sealift_diagnostic::render_short;
use sealift_lint::render;

use crate::check::found;

#[test]
fn odd_words_are_harmless() {
    for argument in [
        "''",
        "\"",
        "'",
        "$(",
        "`",
        "${",
        "\\",
        "-",
        "--",
        "=",
        ":",
        "ä=ö",
        "\u{a0}",
        "[",
        "['",
        "🦀",
        "a\u{0}b",
        "<(",
        ">",
        "|",
        "chmod",
        "chmod ü",
        "pip install",
        "sudo",
        "env",
        "curl |",
        "| sh",
        "apt-get install ''",
        "eyJ",
        "://:@",
        "a://b:@c",
    ] {
        for keyword in [
            "FROM",
            "RUN",
            "COPY",
            "ADD",
            "ENV",
            "ARG",
            "USER",
            "EXPOSE",
            "WORKDIR",
            "VOLUME",
            "CMD",
            "ONBUILD RUN",
        ] {
            let source =
                format!("FROM debian\n{keyword} {argument}\n{keyword} a {argument} b={argument}\n");
            let found = found(&source);
            render(&found, "f", &source, true);
            render_short(&found, "f", &source);
        }
    }
}

#[test]
fn huge_files_take_linear_time() {
    for unit in [
        "RUN sudo curl x | sh\n",
        "ENV API_KEY=sk_live_abcd1234\n",
        "FROM a AS b\n",
        "COPY --from=x . .\n",
    ] {
        found(&format!("FROM a\n{}", unit.repeat(2_000)));
    }
    for unit in ["$(a) ", "a | b; ", "eyJ", "://", "a='", "AKIA", "chmod 777 "] {
        found(&format!("FROM a\nRUN {}\n", unit.repeat(50_000)));
    }
}
