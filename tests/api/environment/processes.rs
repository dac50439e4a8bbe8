use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::folder::Folder;
use crate::support::processes::{POLL, Process, state};

/// Where the test below, run as a child, writes the id of the process it holds.
const HOLD: &str = "LEADFLOW_TEST_HOLD";

fn sleeper() -> Command {
    let mut command = Command::new("sleep");
    command.arg("600");
    command
}

/// The state by the kernel's own word: None when it is gone, Z when only its exit
/// status is left.
fn state_of(pid: u32) -> Option<char> {
    state(&Path::new("/proc").join(pid.to_string()))
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} does not come");
        tokio::time::sleep(POLL).await;
    }
}

/// Not a test by itself: starts a process and waits to be killed.
#[tokio::test]
async fn holds_a_process() {
    let Some(file) = std::env::var_os(HOLD).map(PathBuf::from) else {
        return;
    };
    let folder = Folder::new("held");
    let process = Process::start("sleep", sleeper(), &folder.join("log"));
    let note = format!("{} {}", process.pid(), folder.path().display());
    fs::write(file.with_extension("new"), note).expect("a note can be written");
    fs::rename(file.with_extension("new"), file).expect("a note can be renamed");
    std::future::pending().await
}

#[tokio::test]
async fn a_killed_test_binary_leaves_nothing_behind() {
    let folder = Folder::new("holder");
    let note = folder.join("note");
    let mut command = Command::new(std::env::current_exe().expect("we have a path"));
    command.args(["--exact", "environment::processes::holds_a_process"]).env(HOLD, &note);
    let holder = Process::start("holder", command, &folder.join("log"));
    let note = until("the note", || fs::read_to_string(&note).ok()).await;
    let (pid, left) = note.split_once(' ').expect("a process and a folder");
    let pid = pid.parse().expect("a process id");
    until("the sleep of the held process", || (state_of(pid) == Some('S')).then_some(())).await;

    holder.kill();
    until("the end of the held process", || state_of(pid).is_none_or(|state| state == 'Z').then_some(())).await;
    // Its folder is left, until a next test binary begins; here, we are that one.
    assert!(Path::new(left).exists());
    Folder::sweep();
    assert!(!Path::new(left).exists());
    assert!(folder.path().exists(), "what is in use stays");
}

#[tokio::test]
async fn a_dropped_process_is_gone() {
    let folder = Folder::new("dropped");
    let process = Process::start("sleep", sleeper(), &folder.join("log"));
    let pid = process.pid();
    assert!(process.exited().is_none());
    drop(process);
    assert_eq!(state_of(pid), None);
}

#[tokio::test]
async fn a_process_is_asked_to_end_and_its_log_read() {
    let folder = Folder::new("asked");
    let mut command = Command::new("sh");
    command.args(["-c", "trap 'echo bye; exit 7' TERM; echo hello; while :; do sleep 0.01; done"]);
    let process = Process::start("sh", command, &folder.join("log"));
    process.wait_for_log("hello", Duration::from_secs(10)).await;
    let status = process.terminate(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(7));
    assert!(process.log().contains("bye"));
}
