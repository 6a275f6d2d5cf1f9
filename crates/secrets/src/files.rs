//! Files that are made for credentials, by their paths: what they hold counts whatever it looks like.

use std::ops::Range;

use memchr::memmem;

use crate::paths::Place;
use crate::special::{
    FILE_PASSWORD, Found, GIT_FOLDER, KEY_STORE, KUBERNETES, NUGET, SHADOW, TERRAFORM,
};
use crate::value::{is_example, is_reference};

const ENTRIES_MAX: usize = 1000;

/// The secrets that such a file has by its name and structure.
pub(crate) fn secrets(place: &Place<'_>, text: &[u8]) -> Vec<Found> {
    let (name, folder) = (place.name, place.folder());
    if !can_hold(folder, name) {
        return Vec::new();
    }
    let (name, folder) = (&name.to_ascii_lowercase(), &folder.to_ascii_lowercase());
    let mut found = match (folder.as_str(), name.as_str()) {
        (".aws", "credentials") => {
            assigned(text, &["aws_secret_access_key", "aws_session_token"], b"=")
        }
        (_, ".npmrc") => assigned(text, &["_authtoken", "_auth", "_password"], b"="),
        (_, ".pypirc") => assigned(text, &["password"], b"=:"),
        (_, ".netrc" | "_netrc") => netrc(text),
        (_, ".pgpass" | "pgpass.conf") => pgpass(text),
        (_, ".my.cnf" | ".mylogin.cnf") => assigned(text, &["password"], b"="),
        (".docker", "config.json") | (_, ".dockercfg" | ".dockerconfigjson") => {
            json(text, &["auth", "password", "identitytoken"])
        }
        (".kube", "config") | (_, "kubeconfig" | "admin.conf" | "kubelet.conf") => {
            assigned(text, &["token", "password", "client-key-data"], b":")
        }
        (".azure", "accesstokens.json" | "azureprofile.json" | "msal_token_cache.json") => {
            json(text, &["accesstoken", "refreshtoken", "secret"])
        }
        (_, "application_default_credentials.json") => {
            json(text, &["client_secret", "refresh_token", "private_key"])
        }
        (_, ".s3cfg" | ".boto") => {
            assigned(text, &["secret_key", "aws_secret_access_key", "gs_secret_access_key"], b"=")
        }
        (_, ".terraformrc" | "terraform.rc" | "credentials.tfrc.json") => {
            assigned(text, &["token"], b"=:")
        }
        ("etc", "shadow" | "shadow-" | "gshadow") => shadow(text),
        (".git", "head") => vec![(&GIT_FOLDER, first_line(text))],
        (_, "nuget.config") => nuget(text),
        _ => Vec::new(),
    };
    let ending = name.rsplit('.').next().unwrap_or_default();
    match ending {
        "tf" | "hcl" | "tfvars" => found.extend(terraform(text)),
        "yml" | "yaml" => found.extend(kubernetes(text)),
        _ => {}
    }
    found.truncate(ENTRIES_MAX);
    found.retain(|(kind, range)| {
        let value = &text[range.clone()];
        **kind == GIT_FOLDER
            || **kind == SHADOW
            || !(value.is_empty() || is_reference(value) || is_example(value))
    });
    found
}

/// Whether a file may be one of those above; most texts are soon known not to be.
fn can_hold(folder: &str, name: &str) -> bool {
    const NAMES: [&str; 6] = ["kubeconfig", "tf", "hcl", "tfvars", "yml", "yaml"];
    folder.starts_with('.')
        || folder.eq_ignore_ascii_case("etc")
        || name.contains(['.', '_'])
        || NAMES.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// What a file is that holds a secret by its name alone, whatever is in it.
pub(crate) fn by_name(place: &Place<'_>) -> Option<&'static crate::special::Kind> {
    const ENDINGS: [&str; 5] = ["p12", "pfx", "jks", "keystore", "kdbx"];
    let (stem, ending) = place.ending?;
    let is_store = ENDINGS.iter().any(|it| it.eq_ignore_ascii_case(ending));
    (!stem.is_empty() && is_store).then_some(&KEY_STORE)
}

fn first_line(text: &[u8]) -> Range<usize> {
    0..memchr::memchr(b'\n', text).unwrap_or(text.len()).min(100)
}

fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    text.split(|byte| *byte == b'\n').map(move |line| {
        let at = start;
        start += line.len() + 1;
        (at, line.strip_suffix(b"\r").unwrap_or(line))
    })
}

// Values of lines `name = value`; the name may have more in front (`//host/:_authToken`).
fn assigned(text: &[u8], names: &[&str], signs: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, line) in lines(text) {
        let Some(sign) = line
            .iter()
            .rposition(|byte| signs.contains(byte) && *byte == b'=')
            .or_else(|| line.iter().position(|byte| signs.contains(byte)))
        else {
            continue;
        };
        // The first sign that has one of the names before it.
        let sign = line
            .iter()
            .enumerate()
            .take(sign + 1)
            .filter(|(_, byte)| signs.contains(byte))
            .map(|(place, _)| place)
            .find(|place| {
                let name = line[..*place].trim_ascii_end().to_ascii_lowercase();
                names.iter().any(|it| {
                    name.strip_suffix(it.as_bytes()).is_some_and(|before| {
                        before.last().is_none_or(|byte| {
                            !byte.is_ascii_alphanumeric() && !matches!(byte, b'#' | b';')
                        })
                    })
                })
            });
        let Some(sign) = sign else { continue };
        let comment =
            line.trim_ascii_start().first().is_some_and(|byte| matches!(byte, b'#' | b';'));
        let value = trimmed(line, sign + 1);
        if !comment && value.len() >= 4 {
            found.push((&FILE_PASSWORD, at + value.start..at + value.end));
        }
        if found.len() >= ENTRIES_MAX {
            break;
        }
    }
    found
}

// Without spaces and quotes around it.
fn trimmed(line: &[u8], from: usize) -> Range<usize> {
    let is_edge = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',');
    let (mut start, mut end) = (from.min(line.len()), line.len());
    while start < end && is_edge(&line[start]) {
        start += 1;
    }
    while end > start && is_edge(&line[end - 1]) {
        end -= 1;
    }
    start..end
}

// Values of members of these names, wherever they are; texts only.
fn json(text: &[u8], names: &[&str]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(quote) = memchr::memchr(b'"', &text[at..]) {
        let start = at + quote + 1;
        let Some(end) = memchr::memchr(b'"', &text[start..]) else { break };
        let name = &text[start..start + end];
        at = start + end + 1;
        let gap =
            |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let colon = at + gap(at);
        if text.get(colon) != Some(&b':') {
            continue;
        }
        let open = colon + 1 + gap(colon + 1);
        if text.get(open) != Some(&b'"') {
            continue;
        }
        let Some(len) = memchr::memchr(b'"', &text[open + 1..]) else { break };
        at = open + 1 + len + 1;
        if len >= 4
            && names.iter().any(|it| name.eq_ignore_ascii_case(it.as_bytes()))
            && found.len() < ENTRIES_MAX
        {
            found.push((&FILE_PASSWORD, open + 1..open + 1 + len));
        }
    }
    found
}

// `machine host login name password word`, over lines.
fn netrc(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut wanted = false;
    let mut at = 0;
    for word in text.split(u8::is_ascii_whitespace) {
        if wanted && !word.is_empty() {
            found.push((&FILE_PASSWORD, at..at + word.len()));
        }
        wanted = word == b"password" || wanted && word.is_empty();
        at += word.len() + 1;
        if found.len() >= ENTRIES_MAX {
            break;
        }
    }
    found
}

// `host:port:database:user:password`, with `\:` for a colon.
fn pgpass(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, line) in lines(text).filter(|(_, line)| !line.starts_with(b"#")) {
        let mut colons = line
            .iter()
            .enumerate()
            .filter(|(place, byte)| **byte == b':' && (*place == 0 || line[*place - 1] != b'\\'));
        if let Some((colon, _)) = colons.nth(3)
            && colon + 1 < line.len()
            && found.len() < ENTRIES_MAX
        {
            found.push((&FILE_PASSWORD, at + colon + 1..at + line.len()));
        }
    }
    found
}

// Hashes as crypt(5) has them; `!`, `*` and nothing are none.
fn shadow(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, line) in lines(text) {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let hash = line[colon + 1..].split(|byte| *byte == b':').next().unwrap_or_default();
        if hash.starts_with(b"$") && hash.len() > 12 && found.len() < ENTRIES_MAX {
            found.push((&SHADOW, at + colon + 1..at + colon + 1 + hash.len()));
        }
    }
    found
}

fn nuget(text: &[u8]) -> Vec<Found> {
    let small = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for at in memmem::find_iter(&small, b"password\"") {
        let rest = &text[at..text.len().min(at + 300)];
        let Some(value) = memmem::find(&small[at..at + rest.len()], b"value=\"") else { continue };
        let start = value + 7;
        let Some(end) = memchr::memchr(b'"', &rest[start..]) else { continue };
        let word = &rest[start..start + end];
        let is_variable = word.starts_with(b"%") && word.ends_with(b"%");
        if end >= 8 && !is_variable && found.len() < ENTRIES_MAX {
            found.push((&NUGET, at + start..at + start + end));
        }
    }
    found
}

// `password = "literal"`.
fn terraform(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    for (at, line) in lines(text) {
        let Some(sign) = memchr::memchr(b'=', line) else { continue };
        let name = line[..sign].trim_ascii_end();
        let value = line[sign + 1..].trim_ascii();
        let literal = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
        let sound = literal.is_some_and(|word| {
            (8..=20).contains(&word.len())
                && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(byte))
        });
        if sound && name.to_ascii_lowercase().ends_with(b"password") && found.len() < ENTRIES_MAX {
            let value = trimmed(line, sign + 1);
            found.push((&TERRAFORM, at + value.start..at + value.end));
        }
    }
    found
}

// Values below `data:` and `stringData:` of documents of kind Secret.
fn kubernetes(text: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    if memmem::find(text, b"ecret").is_none() {
        return found;
    }
    let mut start = 0;
    let mut documents = Vec::new();
    for (at, line) in lines(text) {
        if line.starts_with(b"---") {
            documents.push(start..at);
            start = at + line.len() + 1;
        }
    }
    documents.push(start.min(text.len())..text.len());
    for document in documents {
        secret_document(&text[document.clone()], document.start, &mut found);
    }
    found
}

fn secret_document(text: &[u8], start: usize, found: &mut Vec<Found>) {
    let word = |line: &[u8]| {
        let small = line.to_ascii_lowercase();
        let value = small.trim_ascii().strip_prefix(b"kind:").map(|value| trimmed(value, 0));
        value.is_some_and(|range| &small.trim_ascii()[5 + range.start..5 + range.end] == b"secret")
    };
    if !lines(text).any(|(_, line)| word(line)) {
        return;
    }
    let indent = |line: &[u8]| line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let mut inside = None;
    let mut block = false;
    for (at, line) in lines(text).filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let depth = indent(line);
        let body = line.trim_ascii();
        if matches!(body, b"data:" | b"stringData:") {
            inside = Some(depth);
            continue;
        }
        if inside.is_none_or(|outer| depth <= outer) {
            inside = None;
            continue;
        }
        let value = if block {
            Some(trimmed(line, depth))
        } else {
            memchr::memchr(b':', line).map(|colon| trimmed(line, colon + 1))
        };
        let Some(value) = value else { continue };
        block = matches!(&line[value.clone()], b"|" | b">" | b"|-" | b">-");
        let word = &line[value.clone()];
        let sound = word.len() >= 10
            && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
        if !block && sound && found.len() < ENTRIES_MAX {
            found.push((&KUBERNETES, start + at + value.start..start + at + value.end));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        let found: Vec<&str> = secrets(&Place::of(path), text.as_bytes())
            .into_iter()
            .map(|(_, range)| &text[range])
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn files_for_credentials() {
        check(
            "/root/.aws/credentials",
            "[default]\naws_access_key_id = A\naws_secret_access_key = abcd/efgh\n",
            &["abcd/efgh"],
        );
        check(
            "/root/.npmrc",
            "//r.example.org/:_authToken=t0k-en1\n;_auth=xyzxyz\n_auth = ${T}\n",
            &["t0k-en1"],
        );
        check(".netrc", "machine a login b password  s3cret\n# x", &["s3cret"]);
        check(".pgpass", "h:5432:db:me:w\\:rd\n#a:b:c:d:e\n", &["w\\:rd"]);
        check(
            ".docker/config.json",
            "{\"auths\": {\"r\": {\"auth\": \"bWU6c2VjcmV0\"}}}",
            &["bWU6c2VjcmV0"],
        );
        check(
            "/root/.kube/config",
            "users:\n- user:\n    token: abcdef\n    client-key-data: 'LS0t'\n",
            &["abcdef", "LS0t"],
        );
        check(
            "/etc/shadow",
            "root:$6$salt$hashhashhash:1:0:::::\nbin:*:1::\n",
            &["$6$salt$hashhashhash"],
        );
        check("a.tf", "  password = \"hunter2hunter2\"\n  password = var.x\n", &["hunter2hunter2"]);
        check(
            "a.yaml",
            "kind: Secret\ndata:\n  key: c2VjcmV0LXdvcmQ=\n  b: |\n    c2VjcmV0LXdvcmR0\nmore:\n  x: c2VjcmV0LXdvcmQ=\n",
            &["c2VjcmV0LXdvcmQ=", "c2VjcmV0LXdvcmR0"],
        );
        check(
            "a.yaml",
            "kind: ConfigMap\ndata:\n  key: c2VjcmV0LXdvcmQ=\n---\nkind: Secret\n",
            &[],
        );
        check("x/.git/HEAD", "ref: refs/heads/main\n", &["ref: refs/heads/main"]);
        check(
            "NuGet.Config",
            "<add key=\"ClearTextPassword\" value=\"hunter2hunter2\" />",
            &["hunter2hunter2"],
        );
        let is_store = |path: &str| by_name(&Place::of(path)).is_some();
        assert!(is_store("a/b.P12") && !is_store("b.p1200.sh") && !is_store("a.p12/.p12"));
        check("KubeConfig", "token: abcdef\n", &["abcdef"]);
        check("Tf", "password = \"hunter2hunter2\"\n", &["hunter2hunter2"]);
        check("x/Shadow", "root:$6$salt$hashhashhash:1:0:::::\n", &[]);
    }
}
