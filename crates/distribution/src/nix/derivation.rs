//! Recipes of Nix's store, `*.drv` (Nix manual, "Derivation ATerm format"): a term of lists, tuples and texts.

use super::{Named, name_and_version};

const BYTES_MAX: usize = 16 << 20;
const OUTPUTS_MAX: usize = 100;
const DEPTH_MAX: usize = 8;
// Which of the term's parts.
const OUTPUTS: usize = 0;
const ENVIRONMENT: usize = 6;

/// What is of use in one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Recipe {
    /// Its store paths, without a slash at the beginning.
    pub(super) outputs: Vec<String>,
    name: Option<String>,
    version: Option<String>,
}

impl Recipe {
    /// The package that it makes.
    pub(super) fn named(&self) -> Option<Named> {
        let whole = self.name.as_deref()?;
        let version = self.version.as_deref().filter(|version| !version.is_empty());
        let split = version.and_then(|version| {
            let name = whole.strip_suffix(version)?.strip_suffix('-')?;
            Some(Named { name: name.to_owned(), version: version.to_owned() })
        });
        split.filter(|named| !named.name.is_empty()).or_else(|| name_and_version(whole))
    }

    // A tuple of one of the term's parts.
    fn add(&mut self, part: usize, texts: Vec<String>) {
        let mut texts = texts.into_iter();
        let (Some(first), Some(second)) = (texts.next(), texts.next()) else { return };
        match (part, first.as_str()) {
            (OUTPUTS, _) if self.outputs.len() < OUTPUTS_MAX => {
                self.outputs.extend(second.strip_prefix('/').map(str::to_owned));
            }
            (ENVIRONMENT, "name") => self.name = Some(second),
            (ENVIRONMENT, "version") => self.version = Some(second),
            _ => {}
        }
    }
}

/// Reads a recipe, or says why it is none.
pub(super) fn parse(bytes: &[u8]) -> Result<Recipe, &'static str> {
    if bytes.len() > BYTES_MAX {
        return Err("it is too large for a derivation");
    }
    let mut rest = bytes.strip_prefix(b"Derive").ok_or("it is no derivation")?;
    let mut recipe = Recipe::default();
    let (mut depth, mut part) = (0_usize, 0_usize);
    let mut tuple: Vec<String> = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'(' | b'[' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err("it is nested too deep for a derivation");
                }
                tuple.clear();
            }
            b')' | b']' => {
                depth = depth.checked_sub(1).ok_or("it is no derivation")?;
                if depth == 0 {
                    return Ok(recipe);
                }
                recipe.add(part, std::mem::take(&mut tuple));
            }
            b',' => part += usize::from(depth == 1),
            b'"' => {
                let (value, after) = text(rest).ok_or("it is cut off")?;
                rest = after;
                // A tuple of what is looked for has four texts at most.
                if tuple.len() < 4 && matches!(part, OUTPUTS | ENVIRONMENT) {
                    tuple.push(value);
                }
            }
            _ => return Err("it is no derivation"),
        }
    }
    Err("it is cut off")
}

// A text up to its end, and what is behind.
fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut value = Vec::new();
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((String::from_utf8_lossy(&value).into_owned(), &bytes[at + 1..])),
            b'\\' => {
                at += 1;
                value.push(match bytes.get(at)? {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
            }
            byte => value.push(*byte),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = r#"Derive([("dev","/nix/store/b-hello-2.12-dev","",""),("out","/nix/store/a-hello-2.12","","")],[("/nix/store/c-x.drv",["out"])],["/nix/store/d"],"x86_64-linux","/bin/sh",["-e","a\"]"],[("name","hello-2.12"),("pname","hello"),("text","a\nb"),("version","2.12")])"#;

    #[test]
    fn recipes() {
        let recipe = parse(HELLO.as_bytes()).unwrap();
        assert_eq!(recipe.outputs, ["nix/store/b-hello-2.12-dev", "nix/store/a-hello-2.12"]);
        let named = Named { name: "hello".to_owned(), version: "2.12".to_owned() };
        assert_eq!(recipe.named(), Some(named.clone()));
        let old = HELLO.replace(",(\"version\",\"2.12\")", "");
        assert_eq!(parse(old.as_bytes()).unwrap().named(), Some(named));
        let unstable = HELLO.replace("hello-2.12\")", "hello-unstable-1\")");
        let unstable = unstable.replace("\"version\",\"2.12", "\"version\",\"unstable-1");
        let named = Named { name: "hello".to_owned(), version: "unstable-1".to_owned() };
        assert_eq!(parse(unstable.as_bytes()).unwrap().named(), Some(named));
    }

    #[test]
    fn hostile() {
        for end in 0..HELLO.len() {
            assert!(parse(&HELLO.as_bytes()[..end]).is_err(), "cut off at {end}");
        }
        assert!(parse(format!("Derive{}", "[".repeat(100_000)).as_bytes()).is_err());
        assert!(parse(b"Derive)").is_err());
        assert!(parse(b"Derive(x)").is_err());
        assert_eq!(parse(b"Derive()").unwrap().named(), None);
        assert!(parse(&vec![b' '; BYTES_MAX + 1]).is_err());
    }
}
