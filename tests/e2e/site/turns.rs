//! Which stories may run beside each other.
//!
//! All want to begin at once. Those that leave others alone go first, so many at a time; those that mostly wait are not counted. Who stops or changes what
//! all stand on comes when none of these is left, one after the other.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::variable;

/// Who is at work on the site.
#[derive(Default)]
struct AtWork {
    /// Stories that leave others alone, at work or about to be.
    shared: usize,
    /// Whether one has the site for itself.
    alone: bool,
}

/// The site's order of turns.
pub struct Turns {
    at_work: watch::Sender<AtWork>,
    room: Arc<Semaphore>,
}

impl Turns {
    /// The one for all stories of this process.
    pub fn of_the_site() -> &'static Turns {
        static TURNS: std::sync::OnceLock<Turns> = std::sync::OnceLock::new();
        TURNS.get_or_init(|| {
            let room = variable("LEADFLOW_E2E_STORIES", "4").parse().expect("a number of stories");
            Turns { at_work: watch::Sender::default(), room: Arc::new(Semaphore::new(room)) }
        })
    }

    /// A turn beside others that work.
    pub async fn shared(&'static self) -> Turn {
        let mut turn = self.beside().await;
        turn.room = Some(Arc::clone(&self.room).acquire_owned().await.expect("it is never closed"));
        turn.begin()
    }

    /// A turn beside all others, for one that mostly waits.
    pub async fn beside(&'static self) -> Turn {
        self.at_work.send_modify(|now| now.shared += 1);
        let turn = Turn::new(self, false, Instant::now());
        // Nobody gets the site for himself from here on.
        let _ = self.at_work.subscribe().wait_for(|now| !now.alone).await;
        turn.begin()
    }

    /// A turn with nobody beside.
    pub async fn alone(&'static self) -> Turn {
        let asked = Instant::now();
        let mut seen = self.at_work.subscribe();
        let free = |now: &mut AtWork| {
            let free = !now.alone && now.shared == 0;
            now.alone |= free;
            free
        };
        while !self.at_work.send_if_modified(free) {
            let _ = seen.changed().await;
        }
        Turn::new(self, true, asked).begin()
    }
}

/// Held as long as a story runs. At its end it says how long that was, also when nothing else of a story is shown.
pub struct Turn {
    turns: &'static Turns,
    alone: bool,
    room: Option<OwnedSemaphorePermit>,
    story: String,
    asked: Instant,
    waited: Duration,
}

impl Turn {
    fn new(turns: &'static Turns, alone: bool, asked: Instant) -> Self {
        let story = std::thread::current().name().unwrap_or_default().to_owned();
        Self { turns, alone, room: None, story, asked, waited: Duration::ZERO }
    }

    fn begin(mut self) -> Self {
        self.waited = self.asked.elapsed();
        self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let took = self.asked.elapsed().saturating_sub(self.waited);
        let _ = writeln!(std::io::stderr(), "{:>4} s, after {} s for its turn: {}", took.as_secs(), self.waited.as_secs(), self.story);
        drop(self.room.take());
        self.turns.at_work.send_modify(|now| if self.alone { now.alone = false } else { now.shared -= 1 });
    }
}
