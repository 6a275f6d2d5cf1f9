//! What others wrote is text on every page, and no page asks for more than the browser's rules let it.

use sealift_oci::{Digest, media_type};

use crate::knowing::Knowing;
use crate::site::{Browser, CONFIG, Site};

const PAGES: [&str; 18] = [
    "/",
    "/?q=%3Cscript%3Ealert(1)%3C/script%3E",
    "/r/team/app",
    "/r/team/app?q=%22%3E%3Cscript%3E",
    "/r/team/app/-/1.0",
    "/r/team/app/-/1.0?view=layers&sort=size",
    "/r/team/app/-/1.0?view=packages&kind=%22%3E%3Cscript%3E",
    "/r/team/app/-/1.0?view=findings&q=%22%3E%3Cscript%3E",
    "/r/team/app/-/1.0?view=trust",
    "/r/team/app/-/1.0?view=history",
    "/r/team/app/-/1.0?view=manifest",
    "/-/storage",
    "/-/admin",
    "/-/admin/robots",
    "/-/admin/retain",
    "/-/admin/log",
    "/-/admin/log?event=%22%3E%3Cscript%3E&user=%22%3E%3Cscript%3E&repository=%3Cb%3E&denied=yes&before=%22%3E",
    "/-/account",
];

// Every tag with its attributes as the page has them.
fn check(page: &str, path: &str) {
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap_or_default();
        assert!(
            !matches!(name, "script" | "iframe" | "object" | "b" | "i" | "u" | "style"),
            "{path}: {tag}"
        );
        let mut rest = tag;
        while let Some((attribute, value)) = rest.split_once("=\"") {
            let attribute = attribute.rsplit(' ').next().unwrap();
            let (value, after) = value.split_once('"').unwrap();
            assert!(!attribute.starts_with("on") && attribute != "style", "{path}: {tag}");
            if matches!(attribute, "href" | "src" | "action") {
                assert!(value.starts_with('/') || value == "#content", "{path}: {tag}");
                assert!(!value.starts_with("//"), "{path}: {tag}");
            }
            rest = after;
        }
    }
    // In attributes they are what a form sends back.
    let mut texts = page.split('<').filter_map(|piece| Some(piece.split_once('>')?.1));
    assert!(texts.all(|text| !text.contains('\u{202e}')), "{path}: letters that turn others round");
}

#[test]
fn what_others_wrote_is_text_on_every_page() {
    let site = Site::knowing(Knowing { findings: 3 });
    let digest = site.push("team/app", "1.0", CONFIG);
    site.put(
        "team/app",
        "signed",
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","artifactType":"text/<script>","config":{{"mediaType":"{}","digest":"{}","size":2}},
            "layers":[],"subject":{{"mediaType":"{}","digest":"{digest}","size":3}},
            "annotations":{{"org.opencontainers.image.created":"<script>"}}}}"#,
            media_type::MANIFEST,
            media_type::EMPTY,
            site.blob("team/app", b"{}"),
            media_type::MANIFEST,
        ),
    );
    let anna = site.browser_of("anna");
    let referrers = format!("/r/team/app/-/{digest}?view=referrers");
    let signed = "/r/team/app/-/signed";
    for path in PAGES.into_iter().chain([referrers.as_str(), signed]) {
        let reply = anna.get(path);
        assert_eq!(reply.status, 200, "{path}");
        check(&reply.body, path);
        check_headers(&anna, path);
        check_order(&reply.body, path);
    }
    for path in ["/-/admin/collect", "/-/admin/retain", "/-/admin/robots"] {
        check(&anna.send(path, "dry=&remove=%3Cscript%3E").body, path);
    }
    check(&anna.send("/-/admin", "user=%3Cscript%3E&deed=end").body, "a deed");
    check(
        &site.browser().send("/-/login", "user=%22%3E%3Cscript%3E&password=x&next=%22%3E").body,
        "login",
    );
}

fn check_headers(browser: &Browser, path: &str) {
    let reply = browser.get(path);
    for (name, expected) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(reply.header(name), Some(expected), "{path}");
    }
}

// For those who hear a page: one heading of the first rank, none left out, and a label for each field.
fn check_order(page: &str, path: &str) {
    let mut before = 0;
    for tag in page.split('<').skip(1) {
        let rank = tag.strip_prefix('h').and_then(|rest| rest.chars().next()?.to_digit(10));
        if let Some(rank) = rank.filter(|_| !tag.starts_with("head")) {
            assert!(
                rank <= before + 1 && (rank > 1 || before == 0),
                "{path}: h{rank} after h{before}"
            );
            before = rank;
        }
        let is_field = tag.starts_with("input") || tag.starts_with("select");
        if is_field && !tag.contains("type=\"hidden\"") {
            let id = tag.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(page.contains(&format!("label for=\"{id}\"")), "{path}: {id}");
            assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{path}: {id}");
        }
    }
    assert_eq!(before.min(1), 1, "{path}");
}

#[test]
fn odd_documents_have_pages_too() {
    let site = Site::start();
    let image = site.push("team/app", "1.0", CONFIG);
    // An image whose config is none; an index with a platform, without one, and nested.
    site.push("team/app", "odd", "not JSON");
    let entry = |digest: &Digest, kind: &str, rest: &str| {
        format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":1{rest}}}"#)
    };
    let index = |entries: &[String]| {
        format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}}"#,
            media_type::INDEX,
            entries.join(",")
        )
    };
    let platform = r#","platform":{"os":"linux","architecture":"<b>","variant":"v8"}"#;
    let both = site.put(
        "team/app",
        "both",
        index(&[
            entry(&image, media_type::MANIFEST, platform),
            entry(&image, media_type::MANIFEST, ""),
        ]),
    );
    site.put("team/app", "nested", index(&[entry(&both, media_type::INDEX, "")]));
    site.put("team/app", "empty", index(&[]));
    let ben = site.browser_of("ben");
    let tags = ben.get("/r/team/app").body;
    assert!(tags.contains("linux/&lt;b&gt;/v8") && tags.contains("linux/amd64"), "{tags}");
    for tag in ["odd", "both", "nested", "empty"] {
        for view in
            ["", "layers", "packages", "findings", "trust", "referrers", "history", "manifest"]
        {
            let path = format!("/r/team/app/-/{tag}?view={view}");
            let reply = ben.get(&path);
            assert_eq!(reply.status, 200, "{path}");
            check(&reply.body, &path);
        }
    }
    let layers = ben.get("/r/team/app/-/both?view=layers").body;
    assert!(layers.contains(&format!("/r/team/app/-/{image}?view=layers")), "{layers}");
    let paths = ["/r/", "/r/team/app/-/", "/r/team/app/-/1.0/x", "/r/..%2f..", "/-/", "/%ff"];
    for path in paths {
        assert_eq!(ben.get(path).status, 404, "{path}");
    }
}
