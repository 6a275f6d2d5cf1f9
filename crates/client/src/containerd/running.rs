//! The containers that run in a containerd daemon (api/services/namespaces/v1, containers/v1, tasks/v1).

use super::protobuf::{Field, fields};
use super::{Containerd, Failure};
use crate::Error;

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningContainer {
    /// Its id, which is its name.
    pub id: String,
    /// Its image's name; empty for one that was made from a folder.
    pub image: String,
    /// Its first process.
    pub process: u64,
}

const STATUS_RUNNING: u64 = 2;
const STATUS_PAUSED: u64 = 4;

impl Containerd {
    /// The names of all namespaces.
    pub async fn namespaces(&self) -> Result<Vec<String>, Error> {
        let path = "/containerd.services.namespaces.v1.Namespaces/List";
        self.list(path, |message| texts(message, 1)).await
    }

    /// The containers of this namespace that run or are paused.
    pub async fn running(&self) -> Result<Vec<RunningContainer>, Error> {
        let path = "/containerd.services.tasks.v1.Tasks/List";
        let tasks = self.list(path, |message| task(message).transpose()).await?;
        if tasks.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        let path = "/containerd.services.containers.v1.Containers/List";
        let images =
            self.list(path, |message| Ok((texts(message, 1)?, texts(message, 3)?))).await?;
        let running = tasks.into_iter().flatten().map(|(id, process)| {
            let image = images.iter().find(|(known, _)| *known == id);
            let image = image.map(|(_, image)| image.clone()).unwrap_or_default();
            RunningContainer { id, image, process }
        });
        Ok(running.collect())
    }

    // What the one answer to an empty request has in its first field, one by one.
    async fn list<T>(
        &self,
        path: &str,
        read: impl Fn(&[u8]) -> Result<T, &'static str>,
    ) -> Result<Vec<T>, Error> {
        let malformed = |reason: &str| self.failed(Failure::Other(reason.to_owned()));
        let call = self.call(path, Vec::new());
        let mut messages = call.await.map_err(|failure| self.failed(failure))?;
        let mut found = Vec::new();
        while let Some(message) = messages.next().await.map_err(|failure| self.failed(failure))? {
            for field in fields(&message) {
                if let (1, Field::Bytes(bytes)) = field.map_err(malformed)? {
                    found.push(read(bytes).map_err(malformed)?);
                }
            }
        }
        Ok(found)
    }
}

// The text of a field; empty if it is left out.
fn texts(message: &[u8], wanted: u64) -> Result<String, &'static str> {
    let mut text = String::new();
    for field in fields(message) {
        if let (number, Field::Bytes(bytes)) = field?
            && number == wanted
        {
            text = String::from_utf8(bytes.to_vec()).map_err(|_| "its answer is malformed")?;
        }
    }
    Ok(text)
}

// A task's container and process, if it runs. Those of `exec` have an id of their own too.
fn task(message: &[u8]) -> Option<Result<(String, u64), &'static str>> {
    let read = || {
        let (mut process, mut status) = (0, 0);
        for field in fields(message) {
            match field? {
                (3, Field::Number(number)) => process = number,
                (4, Field::Number(number)) => status = number,
                _ => {}
            }
        }
        let (container, id) = (texts(message, 1)?, texts(message, 2)?);
        let id = if container.is_empty() { id } else { container };
        Ok((matches!(status, STATUS_RUNNING | STATUS_PAUSED)).then_some((id, process)))
    };
    read().transpose()
}

#[cfg(test)]
mod tests {
    use super::super::protobuf::put_text;
    use super::*;

    #[test]
    fn tasks_that_run() {
        let mut message = Vec::new();
        put_text(&mut message, 2, "web");
        message.extend([3 << 3, 42, 4 << 3, 2]);
        assert_eq!(task(&message), Some(Ok(("web".to_owned(), 42))));
        let last = message.len() - 1;
        message[last] = 3;
        assert_eq!(task(&message), None);
        assert!(task(&message[..last]).unwrap().is_err());
        let mut message = Vec::new();
        put_text(&mut message, 1, "web");
        put_text(&mut message, 2, "exec");
        message.extend([4 << 3, 4]);
        assert_eq!(task(&message), Some(Ok(("web".to_owned(), 0))));
    }
}
