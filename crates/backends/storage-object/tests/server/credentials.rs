//! Where credentials are looked for, and what an open says where there are none. The
//! environment is that of another process: it cannot be changed in this one.

use std::{
    env, fs,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    process::Command,
};

use storage_core::ErrorKind;
use storage_object::ObjectConfig;
use storage_testkit::servers::S3Server;
use tempfile::TempDir;

use crate::bucket;

const URL: &str = "STORAGE_TEST_OPENS";
const ANSWER: &str = "answer: ";

/// Another process. As a test of its own it does nothing.
#[tokio::test]
async fn look() {
    let Ok(url) = env::var(URL) else { return };
    let answer = match ObjectConfig::from_url(&url).unwrap().open().await {
        Ok(_) => "opened".into(),
        Err(error) => format!("{:?} {}", error.kind(), error.message()),
    };
    writeln!(io::stdout(), "\n{ANSWER}{answer}").unwrap();
}

/// A process with nothing in its environment but what a test gives it.
struct Process {
    home: TempDir,
    command: Command,
}

impl Process {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "credentials::look", "--nocapture"])
            .env_clear()
            .env("HOME", home.path());
        Self { home, command }
    }

    fn with(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What an open of `url` answers there.
    fn opens(mut self, url: &str) -> String {
        let output = self.command.env(URL, url).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let answer = said.lines().find_map(|line| line.strip_prefix(ANSWER));
        answer.unwrap_or(&said).to_owned()
    }
}

/// Where nobody listens.
fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[track_caller]
fn tells(answer: &str, kind: ErrorKind, told: &[&str]) {
    assert!(answer.starts_with(&format!("{kind:?} ")), "{answer}");
    for told in told {
        assert!(answer.contains(told), "{told} is not in: {answer}");
    }
}

#[test]
fn an_open_without_credentials_is_denied_and_names_where_they_were_looked_for() {
    let bucket = bucket();
    let url = bucket.url("store") + "&conditions=trusted";
    // A machine that answers and gives nothing.
    let machine = &*S3Server::shared().endpoint();
    let process = Process::new().with("AWS_METADATA_ENDPOINT", machine);
    let file = process.home.path().join(".aws/credentials");
    let told = [
        &*format!("s3://{}/store", bucket.name()),
        "AWS_ACCESS_KEY_ID",
        &*format!("[default] of {}", file.display()),
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        machine,
    ];
    tells(&process.opens(&url), ErrorKind::Denied, &told);
}

#[test]
fn a_machine_that_is_named_and_does_not_answer_is_unavailable() {
    let url = bucket().url("store") + "&conditions=trusted&time_limit=1";
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for address in [nobody(), silent.local_addr().unwrap()] {
        let endpoint = format!("http://user:hidden@{address}");
        let process = Process::new().with("AWS_METADATA_ENDPOINT", endpoint);
        let answer = process.opens(&url);
        let told = format!("asked at http://{address} ");
        tells(&answer, ErrorKind::Unavailable, &[&told]);
    }
}

#[test]
fn a_service_that_gives_credentials_and_is_gone_is_unavailable() {
    let service = format!("http://{}", nobody());
    let process = Process::new();
    let token = process.home.path().join("token");
    fs::write(&token, "token").unwrap();
    let answer = process
        .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", service)
        .with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token)
        .opens(&bucket().url("store"));
    let told = ["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    tells(&answer, ErrorKind::Unavailable, &told);
}

#[test]
fn an_open_with_the_variables_or_without_signatures_asks_no_machine() {
    let url = bucket().url("store") + "&conditions=trusted";
    let closed = format!("http://{}", nobody());
    let process = || Process::new().with("AWS_METADATA_ENDPOINT", &closed);
    let answer = process()
        .with("AWS_ACCESS_KEY_ID", "id")
        .with("AWS_SECRET_ACCESS_KEY", "key")
        .opens(&url);
    assert_eq!(answer, "opened");
    for on in ["true", "1", "True"] {
        let answer = process().with("AWS_SKIP_SIGNATURE", on).opens(&url);
        assert_eq!(answer, "opened", "{on}");
    }
}

#[cfg(feature = "azure")]
#[test]
fn an_open_of_azure_without_credentials_is_denied() {
    let opens = |machine: &str| {
        let process = Process::new().with("IDENTITY_ENDPOINT", format!("{machine}/token"));
        let server = nobody();
        process.opens(&format!(
            "az://ledger/a?account=b&endpoint=http://{server}/b"
        ))
    };
    let machine = &*S3Server::shared().endpoint();
    let told = ["az://ledger/a", "AZURE_STORAGE_ACCOUNT_KEY", machine];
    tells(&opens(machine), ErrorKind::Denied, &told);
    let closed = format!("http://{}", nobody());
    tells(&opens(&closed), ErrorKind::Unavailable, &[&closed]);
}

#[cfg(feature = "gcs")]
#[test]
fn an_open_of_google_without_credentials_is_denied() {
    let machine = nobody().to_string();
    let process = Process::new()
        .with("GCE_METADATA_HOST", &machine)
        .with("GCE_METADATA_IP", &machine);
    let of_gcloud = process.home.path().join(".config/gcloud");
    let told = [
        "gs://ledger/a",
        "GOOGLE_APPLICATION_CREDENTIALS",
        &*of_gcloud.display().to_string(),
        "metadata.google.internal",
    ];
    let answer = process.opens(&format!("gs://ledger/a?endpoint=http://{}", nobody()));
    tells(&answer, ErrorKind::Denied, &told);
}
