//! A collector: takes what is posted to it, and says that all is well.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What was posted.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) body: Vec<u8>,
}

/// Listens on a free port until the test has ended; of one that is dropped, the port is
/// closed with the next connection.
#[derive(Debug)]
pub(super) struct Collector {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Collector {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::default();
        let taken = Arc::downgrade(&requests);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let Some(taken) = taken.upgrade() else {
                    return;
                };
                serve(connection.unwrap(), &taken);
            }
        });
        Self { address, requests }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was posted so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.requests = Arc::default();
        // Whoever waits for connections looks up.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request after the other, until there is no more.
fn serve(connection: TcpStream, taken: &Mutex<Vec<Request>>) {
    let mut answers = connection.try_clone().unwrap();
    let mut reader = BufReader::new(connection);
    while let Some(request) = read(&mut reader) {
        taken.lock().unwrap().push(request);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n";
        let answer = format!("{head}Content-Length: 0\r\n\r\n");
        answers.write_all(answer.as_bytes()).unwrap();
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return None;
    }
    let path = line.strip_prefix("POST ").unwrap();
    let path = path.split(' ').next().unwrap().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => assert_eq!(value, "application/x-protobuf"),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Some(Request { path, body })
}
