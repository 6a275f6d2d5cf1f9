//! Long lists: in pages, and each page costs what it shows.

use crate::knowing::Knowing;
use crate::site::{Browser, CONFIG, Site};

// All targets of links that begin so, over all pages.
fn walk(browser: &Browser, start: &str, prefix: &str) -> (usize, Vec<String>) {
    let (mut path, mut pages, mut found) = (start.to_owned(), 0, Vec::new());
    loop {
        let body = browser.get(&path).body;
        pages += 1;
        for link in body.split("<a href=\"").skip(1) {
            let link = link.split('"').next().unwrap();
            found.extend(link.strip_prefix(prefix).map(str::to_owned));
        }
        let Some(next) = body.split("rel=\"next\" href=\"").nth(1) else { return (pages, found) };
        path = next.split('"').next().unwrap().replace("&amp;", "&");
    }
}

#[test]
fn repositories_and_tags_come_in_pages() {
    let site = Site::start();
    for number in 0..120 {
        site.push(&format!("team/app-{number:03}"), "1.0", CONFIG);
        site.push(&format!("team/app-{number:03}-hidden/x"), "1.0", CONFIG);
        site.push("team/many", &format!("v{number:03}"), CONFIG);
    }
    let anna = site.browser_of("anna");
    let (pages, found) = walk(&anna, "/", "/r/team/app-");
    assert_eq!((pages, found.len()), (5, 240));
    let (pages, found) = walk(&anna, "/?q=-hidden", "/r/team/app-");
    assert_eq!((pages, found.len()), (3, 120));
    let (pages, found) = walk(&anna, "/r/team/many", "/r/team/many/-/v");
    assert_eq!((pages, found.len()), (3, 120));
    assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
    let (pages, found) = walk(&anna, "/r/team/many?q=11", "/r/team/many/-/v");
    let expected: Vec<_> = std::iter::once(11).chain(110..120).map(|n| format!("{n:03}")).collect();
    assert_eq!((pages, found), (1, expected));
    // The address of the next page names nothing that one may not see.
    let parts = site.gatekeeper.parts();
    let rules = ["anna=**:*", "ben=team/*:pull", "!ben=team/many:pull"];
    let rules = rules.iter().map(|text| sealift_access::Rule::parse(text).unwrap()).collect();
    let rules = sealift_access::Rules::new(rules);
    site.gatekeeper.replace(sealift_access::Parts { rules, ..parts });
    let ben = site.browser_of("ben");
    let first = ben.get("/").body;
    assert!(first.contains("rel=\"next\"") && !first.contains("-hidden"), "{first}");
    assert_eq!(walk(&ben, "/", "/r/team/app-").1.len(), 120);
}

#[test]
fn findings_come_in_pages_and_filtered() {
    let site = Site::knowing(Knowing { findings: 450 });
    site.push("team/app", "1.0", CONFIG);
    let ben = site.browser_of("ben");
    let image = "/r/team/app/-/1.0?view=findings";
    let count = |query: &str| ben.get(&format!("{image}{query}")).body.matches("CVE-2026-").count();
    assert_eq!((count(""), count("&page=1"), count("&page=2")), (200, 200, 50));
    assert_eq!(
        (count("&page=3"), count("&page=99999999999999999999"), count("&page=-1")),
        (0, 200, 200)
    );
    assert!(ben.get(image).body.contains("450 of 450 findings"));
    assert_eq!(count("&severity=critical&page=1"), 25);
    assert_eq!(count("&fixed=yes"), 150);
    assert_eq!(count("&exploited=yes"), 1);
    // The word that was looked for stands in the field too.
    assert_eq!(count("&q=cve-2026-0007"), 1);
    let none = ben.get(&format!("{image}&q=%3Cscript%3E%22")).body;
    assert!(none.contains("&lt;script&gt;&quot;"), "{none}");
}
