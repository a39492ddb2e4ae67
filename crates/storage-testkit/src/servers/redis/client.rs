//! One command to a server, by its socket, without anything of its clients.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use crate::servers::{ServerError, ServerResult};

/// A server that takes longer hangs, or was paused by whoever asks.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The answer to a command, the elements of an array each on a line of its own.
///
/// # Errors
/// [`Failed`](ServerError::Failed) with what the server says against it.
pub(super) fn call(socket: &Path, password: &str, words: &[&str]) -> ServerResult<String> {
    let name = words.first().copied().unwrap_or_default();
    let ask = || -> io::Result<_> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        let mut answers = BufReader::new(stream);
        let command = [encoded(&["AUTH", password]), encoded(words)].concat();
        answers.get_mut().write_all(&command)?;
        let (mut logged_in, mut answer) = (Vec::new(), Vec::new());
        let logged_in = read(&mut answers, &mut logged_in)?;
        let answered = read(&mut answers, &mut answer)?;
        Ok(logged_in.and(answered).map(|()| answer.join("\n")))
    };
    ask()
        .map_err(ServerError::system(format!("ask Redis to {name}")))?
        .map_err(|said| ServerError::Failed {
            program: name.to_owned(),
            said,
        })
}

fn encoded(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(word.as_bytes());
        bytes.extend(b"\r\n");
    }
    bytes
}

/// Reads one answer into lines; what the server says if it is an error.
fn read(from: &mut impl BufRead, lines: &mut Vec<String>) -> io::Result<Result<(), String>> {
    let mut head = String::new();
    from.read_line(&mut head)?;
    let head = head.trim_end();
    let (kind, rest) = head
        .split_at_checked(1)
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let length = || rest.parse::<i64>().map_err(io::Error::other);
    match kind {
        "+" | ":" => lines.push(rest.to_owned()),
        "-" => return Ok(Err(rest.to_owned())),
        "$" => match u64::try_from(length()?) {
            Ok(length) => {
                let mut bytes = Vec::new();
                from.take(length.saturating_add(2))
                    .read_to_end(&mut bytes)?;
                let text = String::from_utf8_lossy(&bytes);
                lines.push(text.trim_end_matches("\r\n").to_owned());
            }
            Err(_) => lines.push(String::new()),
        },
        "*" => {
            for _ in 0..length()? {
                if let Err(said) = read(from, lines)? {
                    return Ok(Err(said));
                }
            }
        }
        _ => return Err(io::Error::other(format!("`{head}` is no answer"))),
    }
    Ok(Ok(()))
}
