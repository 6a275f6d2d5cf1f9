//! Rules by user, repository and action.

use super::{Action, Authorisation, Principal, Thing};

const STARS_MAX: usize = 8;

/// One rule: these users may do this with these repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    user: String,
    repository: String,
    action: Action,
}

impl Rule {
    /// Reads `USER=PATTERN:ACTIONS`, as in `ci=registry.example/team/*:pull,push`. A `*` stands for any characters, in a
    /// user and in a repository; the user `anonymous` is whoever gave no name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (user, rest) = text.split_once('=').ok_or("there is no `=` after the user")?;
        let (repository, actions) =
            rest.rsplit_once(':').ok_or("there is no `:` before the actions")?;
        if user.is_empty() || repository.is_empty() {
            return Err("the user or the repository is empty");
        }
        if [user, repository].iter().any(|pattern| pattern.matches('*').count() > STARS_MAX) {
            return Err("a pattern has more than 8 stars");
        }
        let mut action = Action::Pull;
        for name in actions.split(',') {
            let named = Action::of_name(name);
            action = action.max(named.ok_or("an action is neither `pull` nor `push` nor `*`")?);
        }
        Ok(Self { user: user.to_owned(), repository: repository.to_owned(), action })
    }

    fn allows(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> bool {
        let is_user = match &principal.name {
            Some(name) => name != "anonymous" && fits(&self.user, name),
            None => self.user == "anonymous",
        };
        let is_repository = match thing {
            Thing::Repository(name) => fits(&self.repository, name),
            // What concerns all repositories is for who may do it with all of them.
            Thing::Catalog => self.repository == "*",
        };
        is_user && is_repository && action <= self.action
    }
}

/// Rules. Without any, whoever came in may do everything; with some, what none of them allows is refused.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub Vec<Rule>);

impl Authorisation for Rules {
    fn allows(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> bool {
        let is_ruled =
            self.0.is_empty() || self.0.iter().any(|rule| rule.allows(principal, action, thing));
        is_ruled && principal.is_granted(action, thing)
    }

    // Without rules nobody is let in who does not say who they are.
    fn allows_anybody(&self, action: Action, thing: Thing<'_>) -> bool {
        self.0.iter().any(|rule| rule.allows(&Principal::ANONYMOUS, action, thing))
    }
}

// Left to right with one step back, so that the work is the product of the lengths at most.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::super::Grant;
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a/*", "a/b/c", true),
            ("a/*", "a", false),
            ("*/b", "a/b", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn rules() {
        let rules =
            ["ci=r.example:5000/team/*:pull,push", "root=*:*", "anonymous=r.example/open/*:pull"]
                .map(|text| Rule::parse(text).unwrap());
        let rules = Rules(rules.to_vec());
        let allows = |user: Option<&str>, action, name| {
            let principal = Principal { name: user.map(str::to_owned), grants: None };
            rules.allows(&principal, action, Thing::Repository(name))
        };
        assert!(allows(Some("ci"), Action::Push, "r.example:5000/team/app"));
        assert!(!allows(Some("ci"), Action::All, "r.example:5000/team/app"));
        assert!(!allows(Some("ci"), Action::Pull, "r.example:5000/other/app"));
        assert!(allows(Some("root"), Action::All, "x"));
        assert!(allows(None, Action::Pull, "r.example/open/a"));
        assert!(!allows(None, Action::Push, "r.example/open/a"));
        assert!(!allows(Some("anonymous"), Action::Pull, "r.example/open/a"));
        let catalog =
            |name: &str| rules.allows(&Principal::named(name), Action::All, Thing::Catalog);
        assert!(catalog("root") && !catalog("ci"));
        for text in ["", "a", "a=b", "=b:pull", "a=:pull", "a=b:read", "a=b:", "a=*********:pull"] {
            assert!(Rule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_allows_no_more_than_it_says() {
        let grant = |name: &str, actions: &[Action]| Grant {
            kind: "repository".to_owned(),
            name: name.to_owned(),
            actions: actions.to_vec(),
        };
        let grants = vec![grant("a", &[Action::Pull]), grant("b", &[Action::Push, Action::Pull])];
        let principal = Principal { name: None, grants: Some(grants) };
        let allows =
            |action, name| Rules::default().allows(&principal, action, Thing::Repository(name));
        assert!(allows(Action::Pull, "a") && !allows(Action::Push, "a"));
        assert!(allows(Action::Push, "b") && !allows(Action::All, "b"));
        assert!(!allows(Action::Pull, "c"));
        assert!(!Rules::default().allows(&principal, Action::All, Thing::Catalog));
    }
}
