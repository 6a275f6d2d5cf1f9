//! How sessions begin and end.

use sealift_access::Parts;

use crate::site::{PASSWORD, Site, passwords};

#[test]
fn a_cookie_is_for_this_origin_and_no_script() {
    let site = Site::start();
    let mut browser = site.browser();
    let reply = browser.log_in("ben", PASSWORD);
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=28800"), "{cookie}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    // Behind what speaks HTTPS it goes by HTTPS only, and no other cookie counts there.
    let form =
        format!("token={}&user=ben&password={PASSWORD}", site.browser().get("/-/login").token());
    let way = ["X-Forwarded-Proto: https", "Origin: https://here"];
    let reply = site.browser().request("POST", "/-/login", &way, &form);
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(browser.request("GET", "/-/account", &way, "").status, 303);
    assert_eq!(site.heard.0.lock().unwrap()[0], "login ben: on the pages");
}

#[test]
fn a_logout_ends_the_session_and_not_only_the_cookie() {
    let site = Site::start();
    let (first, second) = (site.browser_of("ben"), site.browser_of("ben"));
    let reply =
        first.request("POST", "/-/logout", &[], &format!("token={}", first.get("/").token()));
    assert_eq!(reply.status, 303);
    assert!(reply.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(first.get("/-/account").status, 303);
    assert_eq!(second.get("/-/account").status, 200);
    // Everywhere.
    let (third, anna) = (site.browser_of("ben"), site.browser_of("anna"));
    assert_eq!(second.send("/-/account", "").status, 303);
    for browser in [&second, &third] {
        assert_eq!(browser.get("/-/account").status, 303);
    }
    assert_eq!(anna.get("/-/account").status, 200);
    // By an administrator, and then another login counts.
    let fourth = site.browser_of("ben");
    assert!(
        anna.send("/-/admin", "user=ben&deed=end")
            .body
            .contains("All sessions of <code>ben</code> ended")
    );
    assert_eq!(fourth.get("/-/account").status, 303);
    assert_eq!(site.browser_of("ben").get("/-/account").status, 200);
}

#[test]
fn another_password_or_no_user_ends_all_sessions() {
    let site = Site::start();
    let (ben, anna) = (site.browser_of("ben"), site.browser_of("anna"));
    let parts = site.gatekeeper.parts();
    let all = passwords(&["anna", "ben"], "secret456");
    site.gatekeeper.replace(Parts { passwords: Some(all), ..parts });
    assert_eq!(ben.get("/-/account").status, 303);
    assert_eq!(anna.get("/-/account").status, 303);
}

#[test]
fn wrong_passwords_are_refused_in_the_same_words() {
    let site = Site::start();
    let refused = |user: &str| {
        let reply = site.browser().log_in(user, "wrong");
        assert_eq!((reply.status, reply.header("set-cookie")), (401, None));
        reply.body.replace(&format!("value=\"{user}\""), "").replace(&reply.token(), "")
    };
    assert_eq!(refused("ben"), refused("nobody"));
    assert!(refused("ben").contains("role=\"alert\""));
}
