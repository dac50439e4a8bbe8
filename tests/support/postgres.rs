//! A real PostgreSQL on loopback with its data in a temporary folder. Flushes to
//! disk are on, as in production: what it has committed must be there after a kill.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OnceCell};
use tokio_postgres::NoTls;

use super::folder::Folder;
use super::needed;
use super::processes::{POLL, Process, free_port, is_root, send};

/// The superuser that `initdb` makes. There is no password.
const USER: &str = "leadflow";

/// How long the server may take to become ready, recovery included.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Postgres {
    port: u16,
    owner: Option<Owner>,
    /// None while it is stopped.
    server: Mutex<Option<Process>>,
    databases: AtomicU32,
    // The last field, so that it goes after the server which uses it.
    folder: Folder,
}

/// Whom the server runs as when the tests run as root, which it refuses.
#[derive(Clone, Copy)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// The server that all tests of this binary share. Take a database of your own.
    pub async fn shared() -> &'static Postgres {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_init(Postgres::start).await
    }

    /// A server for one test, which may stop and kill it at will.
    pub async fn start() -> Postgres {
        let folder = Folder::new("postgres");
        let owner = Owner::needed();
        if let Some(owner) = owner {
            chown(folder.path(), Some(owner.uid), Some(owner.gid)).expect("root can give a folder away");
        }
        let postgres = Postgres { port: free_port(), owner, server: Mutex::new(None), databases: AtomicU32::new(0), folder };
        postgres.make_data_folder().await;
        postgres.start_again().await;
        postgres
    }

    /// The URL of a new, empty database, named by a prefix and a number.
    pub async fn database(&self, prefix: &str) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}_{number}");
        self.execute("postgres", &format!("create database \"{name}\"")).await;
        self.url(&name)
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops the server in good order: open connections are closed.
    pub async fn stop(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.signal(libc::SIGINT);
            server.wait(PATIENCE).await;
        }
    }

    /// `kill -9` for the server and all of its workers at once.
    pub async fn kill9(&self) {
        if let Some(server) = self.server.lock().await.take() {
            let workers = children_of(server.pid());
            server.kill();
            for worker in workers {
                send(worker, libc::SIGKILL);
            }
        }
    }

    /// Stops the server and its workers in their tracks: connections stay open, and nothing is answered.
    pub async fn freeze(&self) {
        self.signal_all(libc::SIGSTOP).await;
    }

    /// Lets it go on after [`Postgres::freeze`].
    pub async fn thaw(&self) {
        self.signal_all(libc::SIGCONT).await;
    }

    async fn signal_all(&self, signal: libc::c_int) {
        if let Some(server) = self.server.lock().await.as_ref() {
            server.signal(signal);
            children_of(server.pid()).into_iter().for_each(|worker| send(worker, signal));
        }
    }

    /// Starts it again on the same port and data, and waits until it is ready.
    pub async fn start_again(&self) {
        let mut server = self.server.lock().await;
        if server.is_some() {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        'start: loop {
            let process = self.start_server();
            loop {
                let Err(problem) = connect(&self.url("postgres")).await else {
                    *server = Some(process);
                    return;
                };
                let late = Instant::now() >= deadline;
                assert!(!late, "not ready: {problem}\n{}", process.tail());
                tokio::time::sleep(POLL).await;
                if process.exited().is_some() {
                    // The killed server's workers may need a moment to be gone.
                    let again = process.tail().contains("is still in use");
                    assert!(again, "PostgreSQL does not start\n{}", process.tail());
                    continue 'start;
                }
            }
        }
    }

    /// Runs statements in a database as its owner.
    pub async fn execute(&self, database: &str, statements: &str) {
        let client = connect(&self.url(database)).await.expect("the server takes connections");
        client.batch_execute(statements).await.expect("the statements work");
    }

    /// The server's own log, for messages.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    async fn make_data_folder(&self) {
        let mut command = self.command("initdb");
        command
            .arg("--pgdata")
            .arg(self.folder.join("data"))
            .args(["--username", USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            // Only initdb's own files: no test cuts the power.
            .arg("--no-sync");
        let initdb = Process::start("initdb", command, &self.folder.join("initdb.log"));
        let status = initdb.wait(PATIENCE).await;
        assert!(status.success(), "initdb failed\n{}", initdb.tail());
    }

    fn start_server(&self) -> Process {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.folder.join("data"));
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
            "fsync=on".to_owned(),
            "synchronous_commit=on".to_owned(),
            "full_page_writes=on".to_owned(),
        ] {
            command.arg("-c").arg(setting);
        }
        // SIGQUIT ends it at once and still gives its shared memory back.
        let log = self.folder.join("server.log");
        Process::start_ended_by(libc::SIGQUIT, "postgres", command, &log)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(needed("LEADFLOW_TEST_POSTGRES_BIN").join(program));
        command.current_dir(self.folder.path());
        if let Some(owner) = self.owner {
            command.uid(owner.uid).gid(owner.gid);
        }
        command
    }
}

impl Owner {
    /// The user `postgres` of the Debian package, else `nobody`.
    fn needed() -> Option<Owner> {
        if !is_root() {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").expect("the list of users can be read");
        let owner = Owner::named("postgres", &users).or_else(|| Owner::named("nobody", &users));
        Some(owner.expect("there is a user besides root"))
    }

    /// Finds a user in lines of the form `name:password:uid:gid:...`.
    fn named(name: &str, users: &str) -> Option<Owner> {
        let mut entries = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let entry = entries.find(|fields| fields.first() == Some(&name))?;
        Some(Owner { uid: entry.get(2)?.parse().ok()?, gid: entry.get(3)?.parse().ok()? })
    }
}

/// The processes that a process has started, by the kernel's own list.
fn children_of(pid: u32) -> Vec<u32> {
    let list = Path::new("/proc").join(format!("{pid}/task/{pid}/children"));
    let list = fs::read_to_string(list).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// A connection that lives as long as its client, in the caller's runtime.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
