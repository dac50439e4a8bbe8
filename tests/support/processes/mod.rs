//! Child processes that cannot outlive the test binary, however it ends.
//!
//! The kernel sends each child SIGKILL when its parent is gone. It takes the
//! *thread* that made the child for the parent, so all children are made by one
//! thread which never ends. Processes are ended by their own id, never by name.

mod kernel;

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub use kernel::{die_with_parent, is_root, send, state};

/// How often something that is waited for is looked at.
pub const POLL: Duration = Duration::from_millis(20);

/// All processes that run, so that an ordinary exit ends them in good order.
static LIVE: Mutex<Vec<Arc<Running>>> = Mutex::new(Vec::new());

struct Running {
    child: Mutex<Child>,
    /// The signal that ends it for good. Not SIGKILL where a tidy end matters.
    last: libc::c_int,
}

/// A child process with its output in a file. Dropping it ends it.
pub struct Process {
    running: Arc<Running>,
    pid: u32,
    name: String,
    log: PathBuf,
}

/// The command that starts this crate's own binary.
pub fn leadflow() -> Command {
    Command::new(env!("CARGO_BIN_EXE_leadflow"))
}

impl Process {
    /// Starts a command. Its output is appended to the file `log`.
    pub fn start(name: &str, command: Command, log: &Path) -> Process {
        Process::start_ended_by(libc::SIGKILL, name, command, log)
    }

    /// Like [`Process::start`], with the signal that ends it when it is dropped.
    pub fn start_ended_by(last: libc::c_int, name: &str, mut command: Command, log: &Path) -> Process {
        let out = File::options().create(true).append(true).open(log).expect("the log file can be opened");
        let err = out.try_clone().expect("the log file can be shared");
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let child = spawn(command).unwrap_or_else(|error| panic!("{name} cannot start: {error}"));
        let pid = child.id();
        let child = Mutex::new(child);
        let running = Arc::new(Running { child, last });
        live().push(running.clone());
        Process { running, pid, name: name.to_owned(), log: log.to_owned() }
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The exit status, once it has ended.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.running.child().try_wait().expect("a child of ours can be waited for")
    }

    /// Sends a signal; a process that has ended gets none.
    pub fn signal(&self, signal: libc::c_int) {
        self.running.signal(signal);
    }

    /// Stops it in its tracks (SIGSTOP) and waits until every thread stands still.
    pub async fn freeze(&self) {
        self.signal(libc::SIGSTOP);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !kernel::is_stopped(self.pid) {
            assert!(Instant::now() < deadline, "{} does not stop", self.name);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets it go on after [`Process::freeze`].
    pub fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&self) {
        self.running.end(libc::SIGKILL);
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub async fn terminate(&self, patience: Duration) -> ExitStatus {
        self.signal(libc::SIGTERM);
        self.wait(patience).await
    }

    /// Waits until it has ended, and panics with its log when it does not.
    pub async fn wait(&self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.exited() {
                return status;
            }
            assert!(Instant::now() < deadline, "{} is still running\n{}", self.name, self.tail());
            tokio::time::sleep(POLL).await;
        }
    }

    /// All it has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until its log holds a text, and panics with the log when it does not.
    pub async fn wait_for_log(&self, text: &str, patience: Duration) {
        let deadline = Instant::now() + patience;
        while !self.log().contains(text) {
            self.assert_running();
            let late = Instant::now() >= deadline;
            assert!(!late, "{} does not log {text:?}\n{}", self.name, self.tail());
            tokio::time::sleep(POLL).await;
        }
    }

    /// Panics with the log's end if it has ended.
    pub fn assert_running(&self) {
        if let Some(status) = self.exited() {
            panic!("{} ended with {status}\n{}", self.name, self.tail());
        }
    }

    /// The end of the log, for messages.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        live().retain(|other| !Arc::ptr_eq(other, &self.running));
        self.running.end(self.running.last);
    }
}

impl Running {
    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under the lock and only while the child is not waited for: until then its
    /// id cannot have gone to another process.
    fn signal(&self, signal: libc::c_int) {
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            kernel::send(child.id(), signal);
        }
    }

    /// Ends it by a signal, and by SIGKILL if that does not do within 3 s.
    fn end(&self, signal: libc::c_int) {
        self.signal(signal);
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            if !matches!(self.child().try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.signal(libc::SIGKILL);
        let _ = self.child().wait();
    }
}

fn live() -> MutexGuard<'static, Vec<Arc<Running>>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends all processes and removes all folders at the test binary's ordinary exit:
/// what is shared is never dropped. When anything else ends the binary, the kernel
/// ends the children and the next run removes the folders.
pub(super) fn tidy_up_at_exit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| kernel::at_exit(tidy_up));
}

extern "C" fn tidy_up() {
    let running = std::mem::take(&mut *live());
    for process in &running {
        process.end(process.last);
    }
    super::folder::remove_all();
}

type Order = (Command, Sender<io::Result<Child>>);

/// Has the one spawning thread start a command.
fn spawn(mut command: Command) -> io::Result<Child> {
    static ORDERS: OnceLock<Sender<Order>> = OnceLock::new();
    let orders = ORDERS.get_or_init(|| {
        tidy_up_at_exit();
        let (sender, orders) = channel::<Order>();
        let work = move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        };
        std::thread::Builder::new().name("spawner".to_owned()).spawn(work).expect("the spawning thread can start");
        sender
    });
    die_with_parent(&mut command);
    let (sender, answer) = channel();
    orders.send((command, sender)).expect("the spawning thread never ends");
    answer.recv().expect("the spawning thread answers")
}

/// A port that nobody listens on, for a server which cannot choose one itself. From
/// below the range that outgoing connections use, so that it stays free while a
/// server is down; each test binary begins elsewhere.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 1000) as u16 * 10;
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
