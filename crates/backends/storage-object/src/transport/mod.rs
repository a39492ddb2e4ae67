//! HTTP as the engine needs it: with TLS of its own choice, and so that the
//! caller of a request learns what became of it.
//!
//! The clients of `object_store` say of a failure what a person may read. What
//! the engine must know of it, whether anything was sent and which code the server
//! answered, is noted by the [`Transport`] for the [`Call`] that it belongs to;
//! and a condition that `object_store` cannot ask for is added here.

mod connector;
mod tls;

pub(crate) use self::{connector::Connector, tls::tls};

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::RETRY_AFTER};
use object_store::client::{
    HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};

tokio::task_local! {
    static CALL: Arc<Call>;
}

/// One call of an object store, as it goes.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// What an object must be to be deleted.
    delete_if: Option<(HeaderName, HeaderValue)>,
    seen: Mutex<Seen>,
}

/// What was seen of the last request of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing was sent.
    #[default]
    Nothing,
    /// It is on its way, or was when somebody stopped waiting.
    Sent,
    /// There was no connection.
    Unconnected,
    /// The connection broke, or what came was no answer.
    Broken,
    /// It was answered that it was done. That may still be garbage.
    Done,
    /// It was answered that it was not.
    Refused(Refusal),
}

/// An answer that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// What the server calls the reason; empty if it does not speak as object
    /// stores do.
    pub(crate) code: String,
    /// What it says to people.
    pub(crate) message: String,
    /// How long it wants to be left alone, if it says so.
    pub(crate) wait: Option<Duration>,
}

impl Call {
    /// A call that deletes an object on a condition.
    pub(crate) fn deleting_if(condition: (HeaderName, HeaderValue)) -> Self {
        Self {
            delete_if: Some(condition),
            seen: Mutex::default(),
        }
    }

    /// What `work` answers, and what was seen of its last request.
    pub(crate) async fn watch<T>(self, work: impl Future<Output = T>) -> (T, Seen) {
        let call = Arc::new(self);
        let answer = CALL.scope(Arc::clone(&call), work).await;
        let seen = call.seen.lock().unwrap_or_else(PoisonError::into_inner);
        (answer, seen.clone())
    }

    fn saw(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

/// The condition of the deletes of the call that this is asked in.
#[cfg(feature = "azure")]
pub(crate) fn condition_of_call() -> Option<(HeaderName, HeaderValue)> {
    CALL.try_with(|call| call.delete_if.clone()).ok().flatten()
}

/// Sends requests, and notes what becomes of them.
#[derive(Debug)]
pub(crate) struct Transport {
    client: HttpClient,
}

impl Transport {
    pub(crate) const fn new(client: HttpClient) -> Self {
        Self { client }
    }

    async fn send(&self, request: HttpRequest, call: &Call) -> Result<HttpResponse, HttpError> {
        let is_listing = is_listing(&request);
        call.saw(Seen::Sent);
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                call.saw(match error.kind() {
                    HttpErrorKind::Connect => Seen::Unconnected,
                    _ => Seen::Broken,
                });
                return Err(error);
            }
        };
        let is_success = response.status().is_success();
        if is_success && !is_listing {
            call.saw(Seen::Done);
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = body.bytes().await.inspect_err(|_| call.saw(Seen::Broken))?;
        if is_success {
            call.saw(Seen::Done);
            // `object_store` takes any XML for a listing of nothing.
            if !has_listing(&body) {
                return Err(HttpError::new(HttpErrorKind::Decode, NoListing));
            }
            return Ok(HttpResponse::from_parts(
                parts,
                HttpResponseBody::from(body),
            ));
        }
        call.saw(Seen::Refused(Refusal::read(
            parts.status,
            &parts.headers,
            &body,
        )));
        Ok(HttpResponse::from_parts(
            parts,
            HttpResponseBody::from(body),
        ))
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // What is asked for by nobody's call is watched by nobody.
        let call = CALL.try_with(Arc::clone).unwrap_or_default();
        if request.method() == Method::DELETE
            && let Some((name, value)) = call.delete_if.clone()
        {
            request.headers_mut().insert(name, value);
        }
        self.send(request, &call).await
    }
}

fn is_listing(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::GET
        && query
            .split('&')
            .any(|pair| ["list-type=2", "comp=list"].contains(&pair))
}

fn has_listing(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    ["ListBucketResult", "EnumerationResults"]
        .iter()
        .any(|name| {
            body.contains(&format!("<{name}")) && body.trim_end().ends_with(&format!("</{name}>"))
        })
}

/// A listing was asked for, and something else came.
#[derive(Clone, Copy, Debug)]
struct NoListing;

impl fmt::Display for NoListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is no listing of objects")
    }
}

impl std::error::Error for NoListing {}

impl Refusal {
    /// The longest message that is passed on.
    const MESSAGE_MAX: usize = 200;

    /// The longest wait that is believed.
    const WAIT_MAX: Duration = Duration::from_hours(1);

    /// Where Azure says what others say in the body.
    const CODE: &str = "x-ms-error-code";

    fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        let header = headers.get(Self::CODE).and_then(|code| code.to_str().ok());
        let code = header
            .or_else(|| element(&body, "Code"))
            .unwrap_or_default();
        let is_plain = |code: &str| code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Self {
            status,
            code: Some(code)
                .filter(|code| is_plain(code))
                .unwrap_or_default()
                .to_owned(),
            message: element(&body, "Message")
                .unwrap_or_default()
                .chars()
                .filter(|character| !character.is_control())
                .take(Self::MESSAGE_MAX)
                .collect(),
            wait: headers
                .get(RETRY_AFTER)
                .and_then(|wait| wait.to_str().ok()?.parse().ok())
                // It may be a date as well, which nobody of whom we know sends.
                .map(|seconds| Duration::from_secs(seconds).min(Self::WAIT_MAX)),
        }
    }
}

/// What is in an element of an error, all of which are flat.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = xml.split_once(&format!("<{name}>"))?;
    Some(behind.split_once("</")?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_code_and_message_and_garbage_tells_none() {
        let body =
            b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce\nyour \
            request rate.</Message></Error>";
        let refusal = Refusal::read(StatusCode::SERVICE_UNAVAILABLE, &HeaderMap::new(), body);
        assert_eq!(refusal.code, "SlowDown");
        assert_eq!(refusal.message, "Please reduceyour request rate.");
        for garbage in [
            &b""[..],
            b"\xff\xfe",
            b"<html>",
            b"<Code>a b</Code>",
            b"<Code>",
        ] {
            let refusal = Refusal::read(StatusCode::BAD_GATEWAY, &HeaderMap::new(), garbage);
            assert_eq!(refusal.code, "");
        }
    }

    #[test]
    fn a_refusal_tells_how_long_to_wait_if_the_server_does() {
        for (told, wait) in [
            ("7", Some(Duration::from_secs(7))),
            ("99999999999999", Some(Duration::from_hours(1))),
            ("Fri, 27 Nov 2026 20:00:00 GMT", None),
            ("-1", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, told.parse().unwrap())]);
            let refusal = Refusal::read(StatusCode::TOO_MANY_REQUESTS, &headers, b"");
            assert_eq!(refusal.wait, wait, "{told}");
        }
        let refusal = Refusal::read(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), b"");
        assert_eq!(refusal.wait, None);
    }
}
