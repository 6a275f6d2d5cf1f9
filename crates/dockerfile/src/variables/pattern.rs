//! Shell patterns inside `${…}`: `*`, `?` and literals, matched with a bounded amount of work.

use super::{Error, expand::OUTPUT_BYTES_MAX};

/// Most steps that one expansion may take.
const STEPS_MAX: usize = 20_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Letter(char),
    /// Any letter but a line break.
    One,
    /// Any letters but line breaks.
    Many,
}

fn tokens(pattern: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        tokens.push(match letter {
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => match letters.next() {
                Some(escaped @ ('*' | '?' | '\\' | '}' | '/')) => Token::Letter(escaped),
                _ => return Err(Error::Pattern(pattern.to_owned())),
            },
            letter => Token::Letter(letter),
        });
    }
    Ok(tokens)
}

/// Take the shortest (or longest) match of `pattern` off the start.
pub(super) fn trim_prefix(value: &str, pattern: &str, greedy: bool) -> Result<String, Error> {
    let letters: Vec<char> = value.chars().collect();
    let end = Matcher::default().end(&tokens(pattern)?, &letters, greedy)?;
    Ok(letters[end.unwrap_or(0)..].iter().collect())
}

/// Take the shortest (or longest) match of `pattern` off the end.
pub(super) fn trim_suffix(value: &str, pattern: &str, greedy: bool) -> Result<String, Error> {
    let mut tokens = tokens(pattern)?;
    tokens.reverse();
    let letters: Vec<char> = value.chars().rev().collect();
    let end = Matcher::default().end(&tokens, &letters, greedy)?;
    Ok(letters[end.unwrap_or(0)..].iter().rev().collect())
}

/// Replace the first match of `pattern`, or every one; matches are as long as possible.
pub(super) fn replace(
    value: &str,
    pattern: &str,
    replacement: &str,
    all: bool,
) -> Result<String, Error> {
    let tokens = tokens(pattern)?;
    let letters: Vec<char> = value.chars().collect();
    let mut matcher = Matcher::default();
    let mut output = String::new();
    let (mut at, mut last_end) = (0, None);
    while at <= letters.len() {
        if output.len() > OUTPUT_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let end = matcher.end(&tokens, &letters[at..], true)?.map(|length| at + length);
        // An empty match that touches the one before it does not count.
        if let Some(end) = end.filter(|end| *end > at || last_end != Some(at)) {
            output.push_str(replacement);
            if !all {
                output.extend(&letters[end..]);
                return Ok(output);
            }
            last_end = Some(end);
            if end > at {
                at = end;
                continue;
            }
        }
        output.extend(letters.get(at));
        at += 1;
    }
    Ok(output)
}

#[derive(Default)]
struct Matcher {
    steps: usize,
}

impl Matcher {
    /// Length of the shortest or longest match at the start of `letters`.
    fn end(
        &mut self,
        tokens: &[Token],
        letters: &[char],
        longest: bool,
    ) -> Result<Option<usize>, Error> {
        let mut reached = vec![0_usize];
        for token in tokens {
            let mut next: Vec<usize> = Vec::new();
            for &from in &reached {
                self.step(1)?;
                match token {
                    Token::Letter(letter) if letters.get(from) == Some(letter) => {
                        next.push(from + 1);
                    }
                    Token::One if letters.get(from).is_some_and(|c| *c != '\n') => {
                        next.push(from + 1);
                    }
                    Token::Many => {
                        // Positions are sorted, so an earlier one has reached all that this one can.
                        if next.last().is_some_and(|last| *last >= from) {
                            continue;
                        }
                        next.push(from);
                        let mut at = from;
                        while letters.get(at).is_some_and(|c| *c != '\n') {
                            self.step(1)?;
                            at += 1;
                            next.push(at);
                        }
                    }
                    _ => {}
                }
            }
            reached = next;
            if reached.is_empty() {
                return Ok(None);
            }
        }
        Ok(if longest { reached.last().copied() } else { reached.first().copied() })
    }

    fn step(&mut self, count: usize) -> Result<(), Error> {
        self.steps += count;
        if self.steps > STEPS_MAX { Err(Error::TooLong) } else { Ok(()) }
    }
}
