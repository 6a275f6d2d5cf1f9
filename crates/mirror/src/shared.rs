//! Work that is done once for all who want its result at the same time. Who leaves does not end it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

/// Work in progress, by what it is about.
pub(crate) struct Shared<K, T>(Arc<Mutex<Running<K, T>>>);

type Running<K, T> = HashMap<K, watch::Receiver<Option<T>>>;

impl<K, T> Default for Shared<K, T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, T> Shared<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The result of the work on this, done by `work` if nobody does it yet. `None` if it was given up.
    pub(crate) async fn run<F>(&self, key: K, work: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut receiver = {
            let mut running = self.0.lock().expect("no panic while held");
            if let Some(receiver) = running.get(&key) {
                receiver.clone()
            } else {
                let (sender, receiver) = watch::channel(None);
                running.insert(key.clone(), receiver.clone());
                let entry = Entry { running: Arc::clone(&self.0), key };
                let work = work();
                tokio::spawn(async move {
                    let result = work.await;
                    // Who comes from now on finds what the work has left behind.
                    drop(entry);
                    let _ = sender.send(Some(result));
                });
                receiver
            }
        };
        let result = receiver.wait_for(Option::is_some).await.ok()?;
        result.clone()
    }
}

// Takes the entry out, also if the work panics.
struct Entry<K: Eq + Hash, T> {
    running: Arc<Mutex<Running<K, T>>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Entry<K, T> {
    fn drop(&mut self) {
        self.running.lock().expect("no panic while held").remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn work_is_done_once_for_all() {
        let shared: Shared<u8, usize> = Shared::default();
        let count = Arc::new(AtomicUsize::new(0));
        let ask = || {
            let count = Arc::clone(&count);
            shared.run(1, move || async move {
                tokio::task::yield_now().await;
                count.fetch_add(1, Ordering::Relaxed)
            })
        };
        let (first, second, third) = tokio::join!(ask(), ask(), ask());
        assert_eq!((first, second, third), (Some(0), Some(0), Some(0)));
        assert_eq!(ask().await, Some(1));
        // Who leaves does not end it.
        drop(tokio::time::timeout(std::time::Duration::ZERO, ask()).await);
        assert!(ask().await.is_some());
        assert_eq!(shared.run(2, || async { panic!("a fault") }).await, None);
        assert_eq!(shared.run(2, || async { 7 }).await, Some(7));
    }
}
