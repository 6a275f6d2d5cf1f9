//! Robots in the depot, so that all who serve it know the same; those of a file beside it are known too.

use std::io;
use std::path::Path;
use std::sync::Arc;

use sealift_access::{BoxFuture, JoinedRecords, RecordFile, Records, Robots};
use sealift_depot::Depot;

const KIND: &str = "robot";
const FILE: &str = "robots.json";
const PAGE: usize = 1_000;

/// Records of the depot.
struct DepotRecords(Depot);

/// The robots of a depot, for who lets them in.
pub fn robot_records(depot: &Depot) -> Arc<dyn Records> {
    Arc::new(DepotRecords(depot.clone()))
}

/// The robots of a depot and of the file in its folder, if there is one.
pub(crate) fn robots(depot: &Depot, folder: &Path) -> Robots {
    let (own, path) = (robot_records(depot), folder.join(FILE));
    if !path.exists() {
        return Robots::new(own);
    }
    Robots::new(Arc::new(JoinedRecords::new(own, Arc::new(RecordFile::new(&path)))))
}

fn failed(error: sealift_depot::Error) -> io::Error {
    io::Error::other(error)
}

fn text(bytes: &[u8]) -> io::Result<String> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

impl Records for DepotRecords {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<Option<String>>> {
        Box::pin(async move {
            let found = self.0.record(KIND, key).await.map_err(failed)?;
            found.map(|bytes| text(&bytes)).transpose()
        })
    }

    fn list(&self) -> BoxFuture<'_, io::Result<Vec<(String, String)>>> {
        Box::pin(async move {
            let mut all = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page = self.0.records(KIND, "", after.as_deref(), PAGE).await;
                let page = page.map_err(failed)?;
                after = page.items.last().map(|(key, _)| key.clone());
                for (key, bytes) in page.items {
                    all.push((key, text(&bytes)?));
                }
                if !page.more || after.is_none() {
                    return Ok(all);
                }
            }
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: &'a str) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(
            async move { self.0.put_record(KIND, key, value.as_bytes()).await.map_err(failed) },
        )
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, io::Result<bool>> {
        Box::pin(async move { self.0.delete_record(KIND, key).await.map_err(failed) })
    }
}
