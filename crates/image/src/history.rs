//! Which instruction made which layer (image-spec, config.md §Properties, `history`).

use crate::Image;

const SHELL: &str = "/bin/sh -c ";

impl Image {
    /// For each layer the Dockerfile instruction that made it; `None` where the history does not say.
    pub fn instructions(&self) -> Vec<Option<String>> {
        let config = self.config.value();
        let count = config.rootfs.diff_ids.len();
        let steps: Vec<_> = config.history.iter().filter(|step| !step.empty_layer).collect();
        if steps.len() != count {
            return vec![None; count];
        }
        steps.iter().map(|step| step.created_by.as_deref().and_then(instruction)).collect()
    }
}

// As a Dockerfile has it. BuildKit writes that with a remark behind it; the classic builder writes the command line that
// ran, with `#(nop)` in it if none did, and with build arguments in front as `|2 A=b C=d`.
fn instruction(created_by: &str) -> Option<String> {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim();
    let (words, is_run) = match text.strip_prefix("RUN ") {
        Some(words) => (words.trim_start(), true),
        None => (text, false),
    };
    let command = match words.strip_prefix('|') {
        Some(arguments) => arguments.find(SHELL).map(|start| &arguments[start + SHELL.len()..]),
        None => words.strip_prefix(SHELL),
    };
    let text = match command.map(str::trim) {
        Some(command) => match command.strip_prefix("#(nop)") {
            Some(instruction) => instruction.trim().to_owned(),
            None => format!("RUN {command}"),
        },
        None if is_run => format!("RUN {words}"),
        None => text.to_owned(),
    };
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions() {
        let check = |created_by: &str, expected: &str| {
            assert_eq!(instruction(created_by).as_deref(), Some(expected), "{created_by}");
        };
        check("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update");
        check("COPY . /app # buildkit", "COPY . /app");
        check("/bin/sh -c #(nop) COPY file:1 in / ", "COPY file:1 in /");
        check("/bin/sh -c #(nop)  CMD [\"sh\"]", "CMD [\"sh\"]");
        check("/bin/sh -c make", "RUN make");
        check("|1 A=b /bin/sh -c make", "RUN make");
        check("RUN |1 A=b /bin/sh -c make # buildkit", "RUN make");
        check("RUN make", "RUN make");
        check("WORKDIR /app", "WORKDIR /app");
        check("apko", "apko");
        assert_eq!(instruction(" # buildkit"), None);
        assert_eq!(instruction(""), None);
    }
}
