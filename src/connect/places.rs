//! How many requests are under way at each endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::table::endpoint::EndpointRules;

/// The places of all endpoints. A request holds one while it is under way.
#[derive(Default)]
pub struct Places(Mutex<HashMap<String, (usize, Arc<Semaphore>)>>);

impl Places {
    /// The places of an endpoint. When its number changed, requests under way keep the old ones and new requests take of the new.
    pub fn of(&self, endpoint: &EndpointRules) -> Arc<Semaphore> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match places.get(&endpoint.name) {
            Some((size, semaphore)) if *size == endpoint.max_in_flight => semaphore.clone(),
            _ => {
                let semaphore = Arc::new(Semaphore::new(endpoint.max_in_flight));
                places.insert(endpoint.name.clone(), (endpoint.max_in_flight, semaphore.clone()));
                semaphore
            }
        }
    }

    /// Forgets the endpoints that are gone.
    pub fn keep(&self, exists: impl Fn(&str) -> bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| exists(name));
    }
}
