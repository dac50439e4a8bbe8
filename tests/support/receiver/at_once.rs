//! How many requests to a path are under way at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::lock;
use super::state::Records;

/// By path: those under way now, and the most since that was asked last.
#[derive(Default)]
pub(super) struct AtOnce {
    paths: HashMap<String, (usize, usize)>,
}

impl AtOnce {
    pub fn take_most(&mut self, path: &str) -> usize {
        let Some((now, most)) = self.paths.get_mut(path) else { return 0 };
        std::mem::replace(most, *now)
    }
}

/// A request under way, to its answer or until the sender has gone.
pub(super) struct UnderWay {
    records: Arc<Mutex<Records>>,
    path: String,
}

impl UnderWay {
    pub fn begin(records: &Arc<Mutex<Records>>, path: &str) -> UnderWay {
        let mut locked = lock(records);
        let (now, most) = locked.under_way.paths.entry(path.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        drop(locked);
        UnderWay { records: records.clone(), path: path.to_owned() }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some((now, _)) = lock(&self.records).under_way.paths.get_mut(&self.path) {
            *now -= 1;
        }
    }
}
