//! The audit log on its page.

use jiff::Timestamp;
use sealift_oci::Digest;
use sealift_web::{LogAsked, LogBegin, LogEvent, LogPart, LogPlace};

use crate::site::{CONFIG, Site};

const PATH: &str = "/-/admin/log";

fn event(kind: &str, repository: &str, tag: Option<&str>, digest: Option<&Digest>) -> LogEvent {
    LogEvent {
        line: 7,
        time: Some(Timestamp::from_second(1_700_000_001).unwrap()),
        event: kind.to_owned(),
        repository: Some(repository.to_owned()),
        tag: tag.map(str::to_owned),
        digest: digest.map(ToString::to_string),
        address: Some("[2001:db8::1]:443".to_owned()),
        ..LogEvent::default()
    }
}

fn part(events: Vec<LogEvent>) -> LogPart {
    LogPart { lines: 9, read: Some((3, 9)), events, ..LogPart::default() }
}

fn show(site: &Site, log: Result<LogPart, String>) -> String {
    *site.clerk.log.lock().unwrap() = log;
    let reply = site.browser_of("anna").get(PATH);
    assert_eq!(reply.status, 200);
    reply.body
}

#[test]
fn the_address_says_what_is_asked_for() {
    let site = Site::start();
    let anna = site.browser_of("anna");
    let asked = |query: &str| {
        assert_eq!(anna.get(&format!("{PATH}?{query}")).status, 200, "{query}");
        site.clerk.asked.lock().unwrap().clone()
    };
    let all = LogAsked { count: 50, ..LogAsked::default() };
    for wrong in ["", "before=", "before=7", "from=x.1", "before=-1.0", "denied=no", "user=++"] {
        assert_eq!(asked(wrong), all, "{wrong}");
    }
    let place = LogPlace { line: 7, event: 2 };
    let begin = LogBegin::Before(place);
    assert_eq!(asked("before=7.2"), LogAsked { begin, ..all.clone() });
    let begin = LogBegin::From(place);
    assert_eq!(asked("from=7.2"), LogAsked { begin, ..all.clone() });
    let expected = LogAsked {
        event: "login".to_owned(),
        user: "a b".to_owned(),
        repository: "team/".to_owned(),
        is_denied: true,
        ..all
    };
    assert_eq!(asked("event=login&user=a+b&repository=team/&denied=yes"), expected);
}

#[test]
fn pages_lead_to_older_and_newer_ones_of_the_same_kind() {
    let site = Site::start();
    let (older, newer) = (LogPlace { line: 3, event: 1 }, LogPlace { line: 9, event: 0 });
    let log = LogPart { older: Some(older), newer: Some(newer), ..part(vec![LogEvent::default()]) };
    *site.clerk.log.lock().unwrap() = Ok(log);
    let query = "event=login&user=a%26b&repository=x&denied=yes";
    let page = site.browser_of("anna").get(&format!("{PATH}?{query}")).body;
    let link = |rest: &str| format!("href=\"{PATH}?{}{rest}\"", query.replace('&', "&amp;"));
    assert!(page.contains(&format!("rel=\"next\" {}", link("&amp;before=3.1"))), "{page}");
    assert!(page.contains(&format!("rel=\"prev\" {}", link("&amp;from=9.0"))), "{page}");
    assert!(page.contains(&link("")) && page.contains("Show all"), "{page}");
    assert!(page.contains("value=\"a&amp;b\"") && page.contains("value=\"login\" selected"));
    // Of a page that is not full, one hears why.
    assert!(page.contains("Lines 3 to 9 were looked at"), "{page}");
    let whole = show(&site, Ok(part(vec![LogEvent::default()])));
    assert!(!whole.contains("rel=\"next\"") && !whole.contains("were looked at"), "{whole}");
}

#[test]
fn whether_lines_follow_each_other_is_said() {
    let site = Site::start();
    let page = show(&site, Ok(part(Vec::new())));
    assert!(
        page.contains("The log has 9 lines. Lines 3 to 9, read for this page, follow each other.")
    );
    assert!(page.contains("No event of these lines fits") && !page.contains("role=\"alert\""));
    let one = LogPart { lines: 1, read: Some((1, 1)), ..part(Vec::new()) };
    let page = show(&site, Ok(one));
    assert!(page.contains(
        "The log has 1 line. All of it was read for this page; each line follows the one before."
    ));
    let broken = LogPart { fault: Some((5, "it is gone".to_owned())), ..part(Vec::new()) };
    let page = show(&site, Ok(broken));
    assert!(page.contains("line 5: it is gone") && page.contains("role=\"alert\""), "{page}");
    assert!(page.contains("should have followed") && !page.contains("follow each other"), "{page}");
    assert!(show(&site, Ok(LogPart::default())).contains("Nothing is written down yet."));
    let page = show(&site, Err("the disk is <b>gone</b>".to_owned()));
    assert!(page.contains("the disk is &lt;b&gt;gone&lt;/b&gt;"), "{page}");
}

#[test]
fn images_that_are_there_have_links() {
    let site = Site::start();
    let here = site.push("team/app", "1.0", CONFIG);
    let gone = Digest::sha256(b"gone");
    let page = |event| show(&site, Ok(part(vec![event])));
    let links = |page: &str| page.matches("href=\"/r/team/app").count();
    let pushed = page(event("manifest.pushed", "team/app", Some("1.0"), Some(&here)));
    assert!(pushed.contains(&format!("href=\"/r/team/app/-/{here}\"")), "{pushed}");
    assert!(pushed.contains(here.short()) && pushed.contains("team/app:1.0"), "{pushed}");
    assert!(pushed.contains("2023-11-14 22:13:21 UTC"), "{pushed}");
    assert!(pushed.contains("[2001:db8::1]<wbr>:443"), "{pushed}");
    assert_eq!(links(&pushed), 1);
    let tag = page(event("request.denied", "team/app", Some("1.0"), None));
    assert!(tag.contains("href=\"/r/team/app/-/1.0\""), "{tag}");
    for without in [
        event("manifest.deleted", "team/app", Some("1.0"), Some(&gone)),
        event("tag.deleted", "team/app", Some("2.0"), None),
        event("blob.pushed", "team/app", None, Some(&here)),
        event("manifest.pulled", "team/other", None, Some(&here)),
        event("request.denied", "Not/A Name", Some("<b>"), Some(&here)),
    ] {
        let shown = page(without.clone());
        assert_eq!(shown.matches("href=\"/r/").count(), 0, "{without:?}");
    }
}
