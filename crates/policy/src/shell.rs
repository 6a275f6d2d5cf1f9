//! The commands of a shell line, as trivy's `sh.parse_commands` has them: words as they are written, quotes included.

const COMMANDS_MAX: usize = 10_000;
const DEPTH_MAX: usize = 16;
const KEYWORDS: [&str; 13] =
    ["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}", "esac"];

/// Every simple command of a text, in order; those of `$(…)` follow the command that they stand in.
pub(crate) fn commands(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut found = Vec::new();
    collect(text, 0, &mut found)?;
    Ok(found)
}

fn collect(text: &str, depth: usize, found: &mut Vec<Vec<String>>) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("commands are nested more than {DEPTH_MAX} deep"));
    }
    let chars: Vec<char> = text.chars().collect();
    let mut line = Line { chars: &chars, at: 0, words: Vec::new(), inner: Vec::new() };
    while line.at < chars.len() {
        match chars[line.at] {
            '\\' if chars.get(line.at + 1) == Some(&'\n') => line.at += 2,
            '\n' | ';' | '|' | '&' | '(' | ')' => {
                line.at += 1;
                line.finish(depth, found)?;
            }
            c if c.is_whitespace() => line.at += 1,
            '#' => {
                while line.at < chars.len() && chars[line.at] != '\n' {
                    line.at += 1;
                }
            }
            '<' | '>' => line.redirection()?,
            _ => {
                let word = line.word()?;
                let is_descriptor = word.bytes().all(|byte| byte.is_ascii_digit())
                    && matches!(chars.get(line.at), Some('<' | '>'));
                if !is_descriptor {
                    line.words.push(word);
                }
            }
        }
    }
    line.finish(depth, found)
}

struct Line<'a> {
    chars: &'a [char],
    at: usize,
    words: Vec<String>,
    inner: Vec<String>,
}

impl Line<'_> {
    fn finish(&mut self, depth: usize, found: &mut Vec<Vec<String>>) -> Result<(), String> {
        let words = std::mem::take(&mut self.words);
        let is_leading = |word: &String| KEYWORDS.contains(&word.as_str()) || is_assignment(word);
        let command: Vec<String> = words.into_iter().skip_while(is_leading).collect();
        if command.first().is_some_and(|first| first != "for" && first != "case") {
            found.push(command);
        }
        if found.len() > COMMANDS_MAX {
            return Err(format!("there are more than {COMMANDS_MAX} commands"));
        }
        for inner in std::mem::take(&mut self.inner) {
            collect(&inner, depth + 1, found)?;
        }
        Ok(())
    }

    // `> file`, `2>&1`, `<<EOF`: neither the sign nor its word belongs to the command.
    fn redirection(&mut self) -> Result<(), String> {
        while matches!(self.chars.get(self.at), Some('<' | '>' | '&' | '|' | '-')) {
            self.at += 1;
        }
        while matches!(self.chars.get(self.at), Some(' ' | '\t')) {
            self.at += 1;
        }
        self.word().map(|_| ())
    }

    fn word(&mut self) -> Result<String, String> {
        let mut word = String::new();
        while let Some(c) = self.chars.get(self.at).copied() {
            match c {
                '\\' => {
                    word.extend(&self.chars[self.at..self.chars.len().min(self.at + 2)]);
                    self.at += 2;
                }
                '\'' | '"' | '`' => self.quoted(c, &mut word)?,
                '$' if self.chars.get(self.at + 1) == Some(&'(') => self.substitution(&mut word)?,
                ';' | '|' | '&' | '(' | ')' | '<' | '>' => break,
                c if c.is_whitespace() => break,
                c => {
                    word.push(c);
                    self.at += 1;
                }
            }
        }
        Ok(word)
    }

    fn quoted(&mut self, quote: char, word: &mut String) -> Result<(), String> {
        word.push(quote);
        self.at += 1;
        let start = self.at;
        while let Some(c) = self.chars.get(self.at).copied() {
            match c {
                '\\' if quote != '\'' => {
                    word.extend(&self.chars[self.at..self.chars.len().min(self.at + 2)]);
                    self.at += 2;
                }
                '$' if quote == '"' && self.chars.get(self.at + 1) == Some(&'(') => {
                    self.substitution(word)?;
                }
                c if c == quote => {
                    if quote == '`' {
                        self.inner.push(self.chars[start..self.at].iter().collect());
                    }
                    word.push(c);
                    self.at += 1;
                    return Ok(());
                }
                c => {
                    word.push(c);
                    self.at += 1;
                }
            }
        }
        Err(format!("the quote `{quote}` is not closed"))
    }

    fn substitution(&mut self, word: &mut String) -> Result<(), String> {
        let start = self.at;
        let (mut depth, mut quote) = (0_usize, None);
        while let Some(c) = self.chars.get(self.at).copied() {
            self.at += 1;
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), c) if open == c => quote = None,
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                _ => {}
            }
            if c == ')' && depth == 0 && quote.is_none() {
                let whole: String = self.chars[start..self.at].iter().collect();
                if !whole.starts_with("$((") {
                    self.inner.push(whole[2..whole.len() - 1].to_owned());
                }
                word.push_str(&whole);
                return Ok(());
            }
        }
        Err("`$(` is not closed".to_owned())
    }
}

fn is_assignment(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    word.contains('=')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&[&str]]) {
        assert_eq!(commands(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn lines() {
        check("", &[]);
        check(
            "apt update && apt install -y nginx",
            &[&["apt", "update"], &["apt", "install", "-y", "nginx"]],
        );
        check(
            "echo \"test;test\" ;A=1 apt update|cat 2>&1 >/x",
            &[&["echo", "\"test;test\""], &["apt", "update"], &["cat"]],
        );
        check("if [ -f x ]; then rm x; fi", &[&["[", "-f", "x", "]"], &["rm", "x"]]);
        check("x=$(a b) c $(d \"e)\")", &[&["c", "$(d \"e)\")"], &["a", "b"], &["d", "\"e)\""]]);
        check("(cd a; ls) # not this", &[&["cd", "a"], &["ls"]]);
    }

    #[test]
    fn hostile() {
        assert!(commands("\"").is_err());
        assert!(commands("$(").is_err());
        assert!(commands(&"$(".repeat(50_000)).is_err());
        assert!(commands(&format!("{}a{}", "$(".repeat(40), ")".repeat(40))).is_err());
        assert!(commands(&"a;".repeat(20_000)).is_err());
        assert!(commands("a \\").is_ok());
    }
}
