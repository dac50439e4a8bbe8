//! What is asked of the kernel itself. All that is `unsafe` in the tests is here.

#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Sends a signal to a process.
pub fn send(pid: u32, signal: libc::c_int) {
    // SAFETY: kill takes two numbers and touches no memory.
    unsafe { libc::kill(pid as libc::pid_t, signal) };
}

/// Whether all of a process's threads have been stopped by a signal.
pub(super) fn is_stopped(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return false;
    };
    threads.flatten().all(|thread| state(&thread.path()) == Some('T'))
}

/// The state letter in the `stat` file of a process or thread; None when it is gone.
pub fn state(folder: &Path) -> Option<char> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether we may do everything.
pub fn is_root() -> bool {
    // SAFETY: takes nothing and touches no memory.
    unsafe { libc::geteuid() == 0 }
}

/// Lets the kernel end the command's process when the thread that starts it ends.
/// It holds for the command's own process, not for those that it starts.
pub fn die_with_parent(command: &mut Command) {
    let parent = std::process::id() as libc::pid_t;
    let tie = move || {
        // SAFETY: both calls take numbers only and are allowed between fork and exec.
        let tied = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } == 0;
        // SAFETY: as above. Another parent means that ours ended before the call above.
        let orphan = unsafe { libc::getppid() } != parent;
        if tied && !orphan { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
    };
    // SAFETY: the closure makes system calls only; it takes no lock and allocates nothing.
    unsafe { command.pre_exec(tie) };
}

/// Has a function called at the program's ordinary exit.
pub(super) fn at_exit(function: extern "C" fn()) {
    // SAFETY: the function lives as long as the program.
    let status = unsafe { libc::atexit(function) };
    assert_eq!(status, 0, "there is room for one more");
}
