//! A PostgreSQL server for one run: own folder, own socket, no network, flushing as in earnest.

use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    child: Option<Child>,
    /// For `MUSUBI_TEST_POSTGRES`.
    pub(crate) url: String,
}

impl Server {
    /// Takes the server that `MUSUBI_TEST_POSTGRES` names, or starts one.
    pub(crate) fn start() -> anyhow::Result<Server> {
        if let Ok(url) = env::var("MUSUBI_TEST_POSTGRES")
            && !url.is_empty()
        {
            println!("using the server in MUSUBI_TEST_POSTGRES");
            return Ok(Server {
                programs: PathBuf::new(),
                folder: PathBuf::new(),
                user: None,
                child: None,
                url,
            });
        }
        let folder = env::temp_dir().join(format!("musubi-postgres-{}", process::id()));
        fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        let mut server = Server {
            programs: programs()?,
            url: format!("postgres://musubi@/postgres?host={}", folder.display()),
            folder,
            user: None,
            child: None,
        };
        // The server refuses to run as root.
        if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0) {
            let user = account("postgres")?;
            chown(&server.folder, Some(user.0), Some(user.1))?;
            server.user = Some(user);
        }
        server.run(
            "initdb",
            &["--pgdata", "data", "-U", "musubi", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        )?;
        server.spawn()?;
        Ok(server)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.folder).stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let output =
            self.command(program).args(arguments).output().with_context(|| format!("running {program}"))?;
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn spawn(&mut self) -> anyhow::Result<()> {
        let socket = self.folder.display().to_string();
        let log = fs::File::create(self.folder.join("log"))?;
        let mut command = self.command("postgres");
        command.args([
            "-D",
            "data",
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=on",
            "-c",
            "max_connections=300",
        ]);
        command.args(["-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic"]);
        command
            .arg("-c")
            .arg(format!("unix_socket_directories={socket}"))
            .stdout(log.try_clone()?)
            .stderr(log);
        self.child = Some(command.spawn().context("starting postgres")?);
        let start = Instant::now();
        while self.run("pg_isready", &["-q", "-h", &socket]).is_err() {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("postgres ended with {status}: {}", fs::read_to_string(self.folder.join("log"))?);
            }
            ensure!(start.elapsed() < Duration::from_secs(60), "postgres was not ready within a minute");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Ends the server and removes its folder.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let asked = self.run("pg_ctl", &["stop", "-D", "data", "-m", "fast", "-t", "30"]);
        if asked.is_err() {
            child.kill()?;
        }
        child.wait()?;
        fs::remove_dir_all(&self.folder)?;
        asked
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("ending PostgreSQL: {error:#}");
        }
    }
}

/// The newest server on this machine.
fn programs() -> anyhow::Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("no PostgreSQL server is installed")?;
    let newest = versions
        .flatten()
        .filter(|entry| entry.path().join("bin/initdb").exists())
        .max_by_key(|entry| entry.file_name().to_string_lossy().parse::<u32>().unwrap_or(0));
    Ok(newest.context("no PostgreSQL server is installed")?.path().join("bin"))
}

/// User and group id of an account.
fn account(name: &str) -> anyhow::Result<(u32, u32)> {
    let accounts = fs::read_to_string(Path::new("/etc/passwd"))?;
    let line = accounts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let mut fields = line.with_context(|| format!("no account {name}"))?.split(':').skip(1);
    let mut id = || fields.next().and_then(|id| id.parse().ok());
    id().zip(id()).with_context(|| format!("the account {name} has no ids"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        assert_eq!(account("root").unwrap(), (0, 0));
        assert!(account("roo").is_err());
    }
}
