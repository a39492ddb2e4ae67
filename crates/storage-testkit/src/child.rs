//! Children: this program again, in another role, and the end of it.
//!
//! A child holds the other ends of three pipes. It ends when its standard input
//! does, so however its parent dies, no child is left.

use std::{
    env,
    ffi::OsString,
    io::{self, Read},
    process::{self, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// A running child; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Child {
    process: process::Child,
    stdout: Option<JoinHandle<io::Result<Vec<u8>>>>,
    stderr: Option<JoinHandle<io::Result<Vec<u8>>>>,
    spoken: Receiver<()>,
}

/// What a child left behind.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Child {
    /// How often to look whether a child has ended.
    const POLL: Duration = Duration::from_millis(2);

    /// Starts this program with these arguments.
    pub(crate) fn start(arguments: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        Self::run(Command::new(env::current_exe()?).args(arguments))
    }

    pub(crate) fn run(command: &mut Command) -> io::Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (speaks, spoken) = mpsc::sync_channel(1);
        let stdout = process
            .stdout
            .take()
            .map(|output| drain(output, Some(speaks)));
        let stderr = process.stderr.take().map(|output| drain(output, None));
        Ok(Self {
            process,
            stdout,
            stderr,
            spoken,
        })
    }

    /// Gives the child all that it reads, and the end of it.
    #[cfg(all(feature = "servers", target_os = "linux"))]
    pub(crate) fn hears(&mut self, input: &[u8]) -> io::Result<()> {
        match self
            .process
            .stdin
            .take()
            .map(|mut stdin| io::Write::write_all(&mut stdin, input))
        {
            // It may end without reading: how it ends says why.
            Some(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits until the child has written something, or has ended; `false` if
    /// it takes longer than `at_most`.
    pub(crate) fn speaks_within(&self, at_most: Duration) -> bool {
        !matches!(
            self.spoken.recv_timeout(at_most),
            Err(RecvTimeoutError::Timeout)
        )
    }

    /// Waits until the child writes something more, or has ended; `false` if it
    /// takes longer than `at_most`.
    pub(crate) fn speaks_anew_within(&self, at_most: Duration) -> bool {
        // What it said before is no sign of life.
        let _ = self.spoken.try_recv();
        self.speaks_within(at_most)
    }

    /// Waits until the child ends by itself; `false` if it takes longer than
    /// `at_most`.
    pub(crate) fn ends_within(&mut self, at_most: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + at_most;
        loop {
            if self.process.try_wait()?.is_some() {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            thread::sleep(left.min(Self::POLL));
        }
    }

    /// Kills the child if it still runs, and collects what it wrote.
    pub(crate) fn kill(mut self) -> io::Result<Remains> {
        self.process.kill()?;
        let status = self.process.wait()?;
        Ok(Remains {
            status,
            stdout: collect(self.stdout.take())?,
            stderr: collect(self.stderr.take())?,
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has ended already unless something went wrong before `kill`.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Remains {
    /// How it ended, and the last of what it said about it.
    pub(crate) fn last_words(&self) -> String {
        const LINES: usize = 12;
        let text = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<_> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LINES)..);
        format!("{}: {}", self.status, last.unwrap_or_default().join(" | "))
    }
}

/// Ends this process as soon as its parent is gone or lets go of it.
pub(crate) fn end_with_the_parent() {
    thread::spawn(|| {
        let mut nothing = Vec::new();
        // An error says as much as the end.
        let _ = io::stdin().read_to_end(&mut nothing);
        process::exit(2);
    });
}

/// Reads all that a child writes, and says so each time.
fn drain(
    mut output: impl Read + Send + 'static,
    speaks: Option<SyncSender<()>>,
) -> JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        let mut chunk = [0; 8 << 10];
        loop {
            let length = match output.read(&mut chunk) {
                Ok(0) => return Ok(all),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            all.extend_from_slice(chunk.get(..length).unwrap_or_default());
            if let Some(speaks) = &speaks {
                // Nobody may be waiting for it, or have heard the last.
                let _ = speaks.try_send(());
            }
        }
    })
}

fn collect(reader: Option<JoinHandle<io::Result<Vec<u8>>>>) -> io::Result<Vec<u8>> {
    match reader.map(JoinHandle::join) {
        None => Ok(Vec::new()),
        Some(Ok(read)) => read,
        Some(Err(_panic)) => Err(io::Error::other("reading from a child panicked")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        Child::run(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn a_child_that_falls_silent_is_told_from_one_that_goes_on() {
        let silence = Duration::from_millis(200);
        let silent = shell("echo one; echo two; read nothing");
        assert!(silent.speaks_within(Duration::from_secs(10)));
        thread::sleep(silence);
        assert!(!silent.speaks_anew_within(silence));
        let busy = shell("while echo more; do sleep 0.01; done");
        assert!(busy.speaks_within(Duration::from_secs(10)));
        assert!(busy.speaks_anew_within(Duration::from_secs(10)));
        let ended = shell("echo one");
        assert!(ended.speaks_anew_within(Duration::from_secs(10)));
    }
}
