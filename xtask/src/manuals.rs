//! Manual pages, made of docs/commands.md, which is the program's own help: one page a command, in the form of man(7).

use std::fmt::Write as _;

/// A manual page.
pub(crate) struct Manual {
    /// `sealift-registry-serve.1`
    pub(crate) file: String,
    pub(crate) text: String,
}

// A command as the reference has it.
struct Command<'a> {
    // `sealift registry serve`
    name: &'a str,
    help: Vec<&'a str>,
}

/// The manual pages of all commands.
pub(crate) fn manuals(reference: &str, version: &str) -> Vec<Manual> {
    let commands = commands(reference);
    let names: Vec<&str> = commands.iter().map(|command| command.name).collect();
    let manual = |command: &Command<'_>| Manual {
        file: format!("{}.1", page_of(command.name)),
        text: page(command, &names, version),
    };
    commands.iter().map(manual).collect()
}

fn page_of(name: &str) -> String {
    name.replace(' ', "-")
}

fn commands(reference: &str) -> Vec<Command<'_>> {
    let mut commands: Vec<Command<'_>> = Vec::new();
    let mut is_help = false;
    for line in reference.lines() {
        match line {
            "```text" => is_help = true,
            "```" => is_help = false,
            _ if is_help => {
                if let Some(command) = commands.last_mut() {
                    command.help.push(line);
                }
            }
            _ => {
                if let Some(name) =
                    line.strip_prefix("##").map(|rest| rest.trim_start_matches('#').trim())
                {
                    commands.push(Command { name, help: Vec::new() });
                }
            }
        }
    }
    commands
}

// What a part of the help is.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Prose,
    Usage,
    Items,
    Examples,
}

fn page(command: &Command<'_>, names: &[&str], version: &str) -> String {
    let (name, title) = (page_of(command.name), page_of(command.name).to_uppercase());
    let summary = command.help.first().copied().unwrap_or_default();
    let mut text = format!(".TH \"{title}\" 1 \"\" \"sealift {version}\" \"Sealift\"\n.SH NAME\n");
    let _ = writeln!(text, "{} \\- {}", escaped(&name), escaped(summary));
    let mut part = Part::Prose;
    let mut has_description = false;
    for line in command.help.iter().skip(1) {
        if let Some(usage) = line.strip_prefix("Usage: ") {
            end(&mut text, part);
            part = Part::Usage;
            let _ = writeln!(text, ".SH SYNOPSIS\n.B {}", escaped(usage));
        } else if let Some(heading) = heading(line) {
            end(&mut text, part);
            part = if heading == "Examples" { Part::Examples } else { Part::Items };
            let _ = writeln!(text, ".SH {}", escaped(&heading.to_uppercase()));
            if part == Part::Examples {
                text.push_str(".EX\n");
            }
        } else if !line.starts_with(' ') && !line.is_empty() && part != Part::Usage {
            if part != Part::Prose || !has_description {
                end(&mut text, part);
                let heading = if has_description { "NOTES" } else { "DESCRIPTION" };
                let _ = writeln!(text, ".SH {heading}");
                (part, has_description) = (Part::Prose, true);
            }
            let _ = writeln!(text, "{}", escaped(line));
        } else {
            inner(&mut text, part, line);
        }
    }
    end(&mut text, part);
    see_also(&mut text, command.name, names);
    text
}

// `Options:`, `TLS options:`
fn heading(line: &str) -> Option<&str> {
    let heading = line.strip_suffix(':')?;
    let is_heading = heading.starts_with(|c: char| c.is_ascii_uppercase()) && heading.len() < 40;
    is_heading.then_some(heading)
}

fn end(text: &mut String, part: Part) {
    if part == Part::Examples {
        text.push_str(".EE\n");
    }
}

fn inner(text: &mut String, part: Part, line: &str) {
    let trimmed = line.trim();
    let indent = line.len() - line.trim_start().len();
    // Writing to a String does not fail.
    let _ = match part {
        Part::Examples => writeln!(text, "{}", escaped(line)),
        _ if trimmed.is_empty() => {
            // An empty line within an item; before a heading it does no harm.
            if !text.ends_with(".sp\n") && part != Part::Usage {
                text.push_str(".sp\n");
            }
            Ok(())
        }
        Part::Items if indent <= 6 => {
            // `ship         The whole job` is a term with its meaning.
            let (term, meaning) = match trimmed.split_once("  ") {
                Some((term, meaning)) => (term, meaning.trim()),
                None => (trimmed, ""),
            };
            let _ = writeln!(text, ".TP\n.B {}", escaped(term));
            if meaning.is_empty() { Ok(()) } else { writeln!(text, "{}", escaped(meaning)) }
        }
        Part::Items if trimmed.starts_with("- ") => writeln!(text, ".br\n{}", escaped(trimmed)),
        _ => writeln!(text, "{}", escaped(trimmed)),
    };
}

fn see_also(text: &mut String, name: &str, names: &[&str]) {
    let parent = name.rsplit_once(' ').map(|(parent, _)| parent);
    let children = names.iter().copied().filter(|other| {
        other
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(' '))
            .is_some_and(|rest| !rest.contains(' '))
    });
    let pages: Vec<String> = parent
        .into_iter()
        .chain(children)
        .map(|other| format!(".BR {} (1)", escaped(&page_of(other))))
        .collect();
    text.push_str(".SH SEE ALSO\n");
    for page in pages {
        let _ = writeln!(text, "{page}");
    }
    text.push_str(".I /usr/share/doc/sealift\n");
}

// A dot or an apostrophe at the start is a request, a backslash anywhere an escape, and a hyphen would be set as a dash.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq");
    if text.trim_start().starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: &str = "\
# Commands

## sealift

```text
Builds images

Usage: sealift [OPTIONS] <COMMAND>

Commands:
  lint  Find mistakes
        in Dockerfiles

Examples:
  sealift lint .
```

### sealift lint

```text
Find mistakes

Usage: sealift lint [PATH]

Options:
      --fix <TIER>
          Mend

          Possible values:
          - safe: Nothing changes

.hidden is read; a \\ is one.
```
";

    #[test]
    fn pages() {
        let manuals = manuals(REFERENCE, "1.0");
        let files: Vec<&str> = manuals.iter().map(|manual| manual.file.as_str()).collect();
        assert_eq!(files, ["sealift.1", "sealift-lint.1"]);
        assert_eq!(
            manuals[0].text,
            ".TH \"SEALIFT\" 1 \"\" \"sealift 1.0\" \"Sealift\"\n.SH NAME\nsealift \\- Builds images\n.sp\n\
             .SH SYNOPSIS\n.B sealift [OPTIONS] <COMMAND>\n.SH COMMANDS\n.TP\n.B lint\nFind mistakes\nin Dockerfiles\n\
             .sp\n.SH EXAMPLES\n.EX\n  sealift lint .\n.EE\n.SH SEE ALSO\n.BR sealift\\-lint (1)\n\
             .I /usr/share/doc/sealift\n"
        );
        let lint = &manuals[1].text;
        for part in [
            "sealift\\-lint \\- Find mistakes\n",
            ".TP\n.B \\-\\-fix <TIER>\nMend\n.sp\nPossible values:\n.br\n\\- safe: Nothing changes\n",
            ".SH DESCRIPTION\n\\&.hidden is read; a \\e is one.\n",
            ".SH SEE ALSO\n.BR sealift (1)\n",
        ] {
            assert!(lint.contains(part), "{part}\n{lint}");
        }
    }
}
