//! What the instructions of a Dockerfile do, in a line or two.

use sealift_dockerfile::Keyword;

/// Shape and meaning of each instruction.
#[rustfmt::skip]
const HELP: [(Keyword, &str, &str); 18] = [
    (
        Keyword::Add,
        "ADD [--chown] [--chmod] [--checksum] SOURCE… DESTINATION",
        "Copies files, unpacks local archives, and fetches URLs and git repositories. For plain files `COPY` says more clearly what happens.",
    ),
    (
        Keyword::Arg,
        "ARG NAME[=DEFAULT]…",
        "A variable of the build, set by `--build-arg`. It ends with its stage, and its value stays in the history of the image.",
    ),
    (
        Keyword::Cmd,
        "CMD [\"PROGRAM\", \"ARGUMENT\"]",
        "What a container runs unless it is told otherwise; the arguments of `ENTRYPOINT` if there is one. The last one counts.",
    ),
    (
        Keyword::Copy,
        "COPY [--from=STAGE] [--chown] [--chmod] [--link] SOURCE… DESTINATION",
        "Copies files of the build context, of another stage or of another image. A destination of several files ends with `/`.",
    ),
    (
        Keyword::Entrypoint,
        "ENTRYPOINT [\"PROGRAM\", \"ARGUMENT\"]",
        "The program of a container; `CMD` and the command line of `docker run` are its arguments.",
    ),
    (
        Keyword::Env,
        "ENV NAME=VALUE…",
        "A variable for the steps that follow and for the container. Everyone who has the image can read it.",
    ),
    (
        Keyword::Expose,
        "EXPOSE PORT[/PROTOCOL]…",
        "Says on which ports the program listens. It opens nothing: that is done when a container is started.",
    ),
    (
        Keyword::From,
        "FROM [--platform] IMAGE [AS NAME]",
        "Begins a stage on an image, on an earlier stage, or on nothing: `scratch`. The last stage becomes the image.",
    ),
    (
        Keyword::Healthcheck,
        "HEALTHCHECK [--interval] [--timeout] [--start-period] [--retries] CMD COMMAND",
        "How Docker finds out whether the container still works: exit code 0 is healthy, 1 is not. Kubernetes has its own probes and ignores it.",
    ),
    (
        Keyword::Label,
        "LABEL KEY=VALUE…",
        "Words about the image; `org.opencontainers.image.*` are those that tools know.",
    ),
    (
        Keyword::Maintainer,
        "MAINTAINER NAME",
        "Deprecated: `LABEL org.opencontainers.image.authors=…` says the same.",
    ),
    (
        Keyword::Onbuild,
        "ONBUILD INSTRUCTION",
        "An instruction for later: it is done when another Dockerfile starts from this image.",
    ),
    (
        Keyword::Run,
        "RUN [--mount] [--network] [--security] COMMAND",
        "Runs a command; what it changes becomes a layer. What a later step deletes stays in this one.",
    ),
    (
        Keyword::Shell,
        "SHELL [\"PROGRAM\", \"ARGUMENT\"]",
        "The shell of the `RUN`, `CMD` and `ENTRYPOINT` that follow and are no JSON array.",
    ),
    (
        Keyword::Stopsignal,
        "STOPSIGNAL SIGNAL",
        "The signal that asks the container's program to end; `SIGTERM` unless said otherwise.",
    ),
    (
        Keyword::User,
        "USER USER[:GROUP]",
        "Who runs the steps that follow, and the container. A number can be checked without the image's `/etc/passwd`.",
    ),
    (
        Keyword::Volume,
        "VOLUME PATH…",
        "Paths whose content is kept outside of the container. What later steps write there is lost.",
    ),
    (
        Keyword::Workdir,
        "WORKDIR PATH",
        "The folder of the steps that follow and of the container; it is made if it is not there.",
    ),
];

/// Shape and meaning of an instruction, for a person who points at it.
pub(crate) fn help(keyword: Keyword) -> Option<(&'static str, &'static str)> {
    let found = HELP.iter().find(|(known, _, _)| *known == keyword)?;
    Some((found.1, found.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_has_help() {
        for keyword in Keyword::ALL {
            let (shape, _) = help(keyword).unwrap();
            assert!(shape.starts_with(keyword.as_str()), "{shape}");
        }
    }
}
