//! B: what is wrong with a Dockerfile, and what is in an image.

use serde_json::Value;

use crate::foreign::{blob, manifest};
use crate::lab::{empty_lab, project, run, static_program};

const VULNERABLE: &str = r#"FROM ubuntu:latest
RUN apt-get update && apt-get install -y curl wget netcat
ENV API_KEY=sk_live_abcd1234
COPY . /app
WORKDIR /app
RUN chmod 777 -R /app
EXPOSE 22 80 443 3306 5432 6379 8080 9090
CMD ["python", "app.py"]
"#;

/// What is wrong with it: line, rule, and a word of what is said.
const PROBLEMS: [(u64, &str, &str); 20] = [
    (1, "SL2001", "ubuntu:latest"),
    (1, "SL2002", "digest"),
    (1, "SL1012", "root"),
    (1, "SL4008", "HEALTHCHECK"),
    (2, "SL4001", "package lists"),
    (2, "SL4002", "recommended"),
    (2, "SL2003", "`curl`, `wget`, `netcat`"),
    (2, "SL4003", "`curl` and `wget`"),
    (2, "SL1013", "netcat"),
    (2, "SL3010", "netcat"),
    (3, "SL1001", "API_KEY"),
    (3, "SL1002", "Stripe"),
    (4, "SL4005", ".dockerignore"),
    (6, "SL1006", "777"),
    (7, "SL1008", "port 22"),
    (7, "SL1009", "port 3306"),
    (7, "SL1009", "port 5432"),
    (7, "SL1009", "port 6379"),
    (7, "SL1009", "port 9090"),
    (8, "SL3009", "python"),
];

#[test]
fn b1_every_problem_of_the_vulnerable_dockerfile() {
    let context = empty_lab();
    context.write("Dockerfile", VULNERABLE);
    context.write("app.py", "print('hello')\n");
    let machine = context.expect(1, &["lint", "--format", "json", "Dockerfile"]).stdout;
    let document: Value = serde_json::from_str(&machine).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let person = context.expect(1, &["lint", "Dockerfile"]).stdout;
    for (line, rule, word) in PROBLEMS {
        let found = findings.iter().find(|finding| {
            finding["line"] == line
                && finding["rule"] == rule
                && finding["message"].as_str().unwrap().contains(word)
        });
        let found =
            found.unwrap_or_else(|| panic!("line {line}: no {rule} about {word}\n{person}"));
        // Explained: why it matters, and what to do.
        for part in ["message", "why", "help"] {
            let text = found[part].as_str().unwrap();
            assert!(text.len() > 10, "{rule}: {part} is `{text}`");
            assert!(person.contains(text), "{rule}: `{text}` is not shown to people");
        }
        assert!(person.contains(&format!("[{rule}]")), "{rule}");
        assert!(person.contains(&format!("Dockerfile:{line}:")), "{rule}: line {line}");
    }
    assert!(person.contains("EXPOSE 22 80 443 3306"), "the source is not shown: {person}");
    for text in [&machine, &person] {
        assert!(!text.contains("abcd1234"), "the key is shown");
    }
    // Neither 80 nor 443 nor 8080 is a problem, and the names of other tools' rules are known.
    for port in ["port 80 ", "port 443 ", "port 8080 "] {
        assert!(!person.contains(port), "{port}");
    }
    let fewer = context.expect(1, &["lint", "--ignore", "DL3007,SL1012", "Dockerfile"]).stdout;
    assert!(!fewer.contains("[SL2001]") && !fewer.contains("[SL1012]"), "{fewer}");
    // The example's Dockerfile is none of this.
    context.expect(0, &["lint", project().join("examples/secure-app").to_str().unwrap()]);
}

#[test]
fn b13_layers_folders_and_wasted_bytes() {
    const MEGABYTE: usize = 1_000_000;
    let context = empty_lab();
    context.write("busybox", static_program());
    context.write("removed", noise(3 * MEGABYTE));
    context.write("twice", noise(2 * MEGABYTE));
    context.write("kept", noise(4 * MEGABYTE));
    context.write(
        "Dockerfile",
        "FROM scratch\n\
         COPY --chmod=755 busybox /bin/busybox\n\
         COPY removed /data/cache/removed\n\
         COPY twice kept /data/files/\n\
         RUN [\"/bin/busybox\", \"rm\", \"/data/cache/removed\"]\n\
         RUN [\"/bin/busybox\", \"chmod\", \"600\", \"/data/files/twice\"]\n",
    );
    context.expect(0, &["build", "-t", "app", "."]);
    let document = context.expect(0, &["inspect", "--layers", "--format", "json", "app"]).stdout;
    let document: Value = serde_json::from_str(&document).unwrap();
    let layers = document["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 5);

    // The sizes are those that others find.
    let manifest = manifest(&context, "app:latest");
    for (layer, described) in layers.iter().zip(manifest["layers"].as_array().unwrap()) {
        assert_eq!(layer["digest"], described["digest"]);
        assert_eq!(layer["sizeBytes"], described["size"]);
        let path = blob(&context, &layer["digest"]);
        let unpacked = run("sh", &["-c", "zcat \"$1\" | wc -c", "sh", path.to_str().unwrap()]);
        assert_eq!(layer["uncompressedBytes"].to_string(), unpacked.trim());
        let entries = run("tar", &["-tzf", path.to_str().unwrap()]);
        assert_eq!(layer["entries"].to_string(), entries.lines().count().to_string());
    }
    // Layer 2 is undone, and one file of layer 3 is there twice.
    let wasted = |layer: usize| layers[layer]["hiddenBytes"].as_u64().unwrap();
    let megabyte = MEGABYTE as u64;
    assert_eq!([0, 1, 2, 3, 4].map(wasted), [0, 3 * megabyte, 2 * megabyte, 0, 0]);
    assert_eq!(layers[4]["duplicatedBytes"], 2 * megabyte);

    let text = context.expect(0, &["inspect", "--layers", "app"]).stdout;
    assert!(text.contains("wasted: 5.0 MB"), "{text}");
    assert!(text.lines().any(|line| line.trim_end().ends_with("6.0 MB  /data/files")), "{text}");
    assert!(text.contains("MB  /bin\n") && !text.contains("/data/cache\n"), "{text}");
    assert!(text.contains("COPY removed /data/cache/removed"), "{text}");
    let row = text.lines().find(|line| line.contains("COPY twice kept")).unwrap();
    assert!(row.starts_with('3') && row.contains("6.0 MB"), "{row}");
}

// Bytes that do not compress, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = length as u64 | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}
