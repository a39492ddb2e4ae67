//! A bucket as Google serves it by its XML API
//! (<https://cloud.google.com/storage/docs/xml-api/overview>): generations, conditions
//! on them, and one write of a name in a second
//! (<https://cloud.google.com/storage/quotas#objects>).

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// How long a client that writes too fast is told to wait.
pub(crate) const WAIT: Duration = Duration::from_secs(1);

const DATE: &str = "Fri, 27 Nov 2026 20:00:00 GMT";

/// A bucket.
#[derive(Debug, Default)]
pub(crate) struct Bucket(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    /// When each name was written last.
    written: BTreeMap<String, Instant>,
    /// How far apart writes of a name are, where that is not [`WAIT`].
    pace: Option<Duration>,
    generations: u64,
    throttled: u64,
}

#[derive(Debug)]
struct Object {
    generation: u64,
    bytes: Vec<u8>,
}

/// A request as far as it matters.
struct Request {
    method: String,
    name: String,
    query: BTreeMap<String, String>,
    /// The generation that is demanded; 0 is absence.
    generation: Option<u64>,
    /// How many of the first bytes are wanted.
    bytes_max: Option<usize>,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Bucket {
    pub(crate) const NAME: &str = "ledger";

    /// Serves it until the process ends; returns the endpoint.
    pub(crate) async fn serve(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let bucket = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let bucket = Arc::clone(&bucket);
                tokio::spawn(async move { bucket.converse(stream).await });
            }
        });
        endpoint
    }

    /// Refuses writes of a name that are not so far apart.
    pub(crate) fn set_pace(&self, pace: Duration) {
        self.0.lock().unwrap().pace = Some(pace);
    }

    pub(crate) fn throttled(&self) -> u64 {
        self.0.lock().unwrap().throttled
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().objects.keys().cloned().collect()
    }

    async fn converse(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = Request::read(&mut stream).await {
            let Answer {
                status,
                headers,
                body,
            } = self.0.lock().unwrap().answer(&request);
            let length = body.len();
            let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n{headers}\r\n");
            let answer = [head.into_bytes(), body].concat();
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let found = self.objects.get(&request.name);
        match request.method.as_str() {
            "GET" if request.name.is_empty() => self.list(request),
            "GET" => found.map_or_else(
                || Answer::error(404, "NoSuchKey"),
                |object| object.shown(request.bytes_max),
            ),
            _ => self.write(request),
        }
    }

    fn write(&mut self, request: &Request) -> Answer {
        let Request { name, body, .. } = request;
        let now = Instant::now();
        let last = self.written.get(name);
        let found = self.objects.get(name).map(|object| object.generation);
        // Google does not say whether it looks at conditions first; it is the harder
        // for the client if it does not.
        if last.is_some_and(|last| now.duration_since(*last) < self.pace.unwrap_or(WAIT)) {
            self.throttled += 1;
            let mut answer = Answer::error(429, "SlowDown");
            let _ = write!(answer.headers, "Retry-After: {}\r\n", WAIT.as_secs());
            return answer;
        }
        if request
            .generation
            .is_some_and(|wanted| wanted != found.unwrap_or(0))
        {
            return Answer::error(412, "PreconditionFailed");
        }
        self.written.insert(name.clone(), now);
        if request.method == "DELETE" {
            return match self.objects.remove(name) {
                Some(_) => Answer::well(204, String::new(), Vec::new()),
                None => Answer::error(404, "NoSuchKey"),
            };
        }
        self.generations += 1;
        let object = Object {
            generation: self.generations,
            bytes: body.clone(),
        };
        let headers = object.headers();
        self.objects.insert(name.clone(), object);
        Answer::well(200, headers, Vec::new())
    }

    fn list(&self, request: &Request) -> Answer {
        let parameter = |name| request.query.get(name).map_or("", String::as_str);
        let (prefix, behind) = (parameter("prefix"), parameter("start-after"));
        let mut body = String::from("<ListBucketResult>");
        for (name, object) in &self.objects {
            if !name.starts_with(prefix) || name.as_str() <= behind {
                continue;
            }
            let size = object.bytes.len();
            let _ = write!(
                body,
                "<Contents><Key>{name}</Key><LastModified>2026-11-27T20:00:00Z</LastModified>\
                 <ETag>\"{}\"</ETag><Size>{size}</Size></Contents>",
                object.generation
            );
        }
        body += "</ListBucketResult>";
        Answer::well(200, String::new(), body.into_bytes())
    }
}

impl Object {
    fn headers(&self) -> String {
        let generation = self.generation;
        format!(
            "ETag: \"{generation}\"\r\nx-goog-generation: {generation}\r\nLast-Modified: {DATE}\r\n"
        )
    }

    fn shown(&self, bytes_max: Option<usize>) -> Answer {
        let (all, mut headers) = (self.bytes.len(), self.headers());
        let Some(end) = bytes_max.map(|bytes_max| bytes_max.min(all)) else {
            return Answer::well(200, headers, self.bytes.clone());
        };
        let _ = write!(headers, "Content-Range: bytes 0-{}/{all}\r\n", end - 1);
        Answer::well(206, headers, self.bytes.iter().take(end).copied().collect())
    }
}

impl Answer {
    fn well(status: u16, headers: String, body: Vec<u8>) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>by rule</Message></Error>");
        Self::well(status, String::new(), body.into_bytes())
    }
}

impl Request {
    /// The next request of a connection; `None` at its end.
    async fn read(stream: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let number = |name: &str| headers.get(name).and_then(|value| value.parse().ok());
        let length = number("content-length").unwrap_or(0);
        let mut body = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut body).await.ok()?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let path = decoded(path);
        let (_, name) = path
            .trim_start_matches('/')
            .split_once('/')
            .unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let end = headers.get("range").and_then(|range| range.split_once('-'));
        Some(Self {
            method,
            name: name.to_owned(),
            query: pairs
                .map(|(name, value)| (name.to_owned(), decoded(value)))
                .collect(),
            generation: number("x-goog-if-generation-match"),
            bytes_max: end.and_then(|(_, end)| Some(end.parse::<usize>().ok()? + 1)),
            body,
        })
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}
